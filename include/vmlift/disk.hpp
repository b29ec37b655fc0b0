// Disk: one virtual disk, whatever its format. Positional reads and writes, a map of what lies
// where, and the encoded units that let a copy move compressed data without inflating it.
//
// Threads: one Disk may be used from several threads at once; it locks as far as its format
// needs. Everything it hands out by span or pointer lives as long as it says at that place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

/// What an image may refer to. Names found in images are hostile until the caller says
/// otherwise: they are paths (never a protocol), resolved without leaving the folder, regular
/// files only.
struct OpenPolicy {
  enum class References {
    by_format,       ///< VMDK and OVF: same_directory; qcow2: deny. The default.
    deny,            ///< nothing but the named file is opened
    same_directory,  ///< below the folder of the image
    under,           ///< below `directory`
    any,             ///< anywhere
  };
  References references = References::by_format;
  std::string directory{};       ///< for References::under
  std::uint32_t max_chain = 64;  ///< images in a chain of parents
  bool allow_devices = false;    ///< block devices as extents or raw device mappings
  /// Reads images although another process writes to them (qemu-img's -U). What is read may belong
  /// to no single point in time.
  bool allow_in_use = false;

  /// Reads "deny", "same-directory", "under=DIR" or "any". Errors: InvalidArgument.
  static Result<OpenPolicy> parse(std::string_view text);
};

struct OpenOptions {
  /// The format's name. Empty: probed, and an input that no format claims is UnsafeProbe:
  /// raw must always be stated.
  std::string format{};
  OpenPolicy policy{};
  Limits limits{};
  bool writable = false;
  bool allow_corrupt = false;  ///< open an image whose corrupt bit is set
  /// Raw only: the part of the file that is the disk (a partition, an embedded image).
  std::optional<Extent> window{};
  /// An internal snapshot's id or name, to be read instead of the current state.
  std::string snapshot{};
  /// The format's own options for opening (a cluster's configuration); an unknown one is
  /// InvalidArgument.
  std::map<std::string, std::string> options{};
  /// Ends a wait for a pipe and the expanding of a compressed file with Cancelled, as long as the
  /// disk lives.
  std::stop_token stop{};
  /// Called, on the thread that reads, while a compressed file is expanded: how many of its bytes
  /// are taken in, and how many it has.
  std::function<void(std::uint64_t done, std::uint64_t total)> expanding{};
};

/// One run of a disk's map.
struct DiskExtent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool present = false;     ///< allocated in this image or a parent (`depth`)
  bool zero = false;        ///< reads as zeros
  bool data = false;        ///< bytes are stored for it
  bool compressed = false;  ///< they are stored compressed
  std::uint32_t depth = 0;  ///< 0: this image, 1: its parent, ...
  /// Where plain bytes lie in the image's own file; absent for zero and compressed runs.
  std::optional<std::uint64_t> host_offset{};
  /// The file that host_offset counts in; nullptr when absent. Lives as long as the Disk.
  const File* host_file = nullptr;

  std::uint64_t end() const { return offset + length; }
};

enum class Codec { deflate, zstd };
std::string_view codec_name(Codec codec) noexcept;

/// A compressed unit of a disk (a grain, a cluster), taken out of its wrapper.
struct EncodedUnit {
  Extent guest;                            ///< the bytes it expands to, whole
  Codec codec = Codec::deflate;            ///< deflate: RFC 1951, without zlib's wrapper
  std::span<const std::byte> payload{};    ///< may have bytes of no meaning behind the stream
  std::optional<std::uint32_t> adler32{};  ///< of the plain bytes, where the source stored it
};
using EncodedVisitor = std::function<Result<void>(const EncodedUnit&)>;

/// What is to be read next; nothing: that was all.
using NextRange = std::function<Result<std::optional<Extent>>()>;
/// Takes bytes that were read; they live until it returns.
using BytesVisitor =
    std::function<Result<void>(std::uint64_t offset, std::span<const std::byte> bytes)>;

/// Prepares units for a target that stores compressed units. Holds a codec's state: one for
/// each thread. The spans it returns live until its next call.
class UnitEncoder {
 public:
  virtual ~UnitEncoder() = default;
  /// The bytes in one unit of the target.
  virtual std::uint64_t unit_size() const = 0;
  /// Compresses one unit. An empty payload: it does not shrink, write it plain.
  virtual Result<EncodedUnit> encode(std::uint64_t guest_offset,
                                     std::span<const std::byte> plain) = 0;
  /// Makes another image's unit fit the target (length and checksum found, wrapper made).
  /// Nothing: it cannot be taken over; read and encode instead. An empty payload: it does not
  /// shrink, as the source's own compression has shown; read it and write it plain.
  virtual Result<std::optional<EncodedUnit>> adopt(const EncodedUnit& unit) = 0;
};

struct DiskCapabilities {
  bool write = false;
  bool zero = false;  ///< zero() is cheaper than writing zeros
  bool discard = false;
  bool encoded_read = false;       ///< read_encoded() offers units
  bool encoded_write = false;      ///< encoder() and write_encoded() exist and are wanted
  bool ascending = false;          ///< writes must come in ascending order of offset
  bool zero_initialised = false;   ///< what is never written reads as zeros
  std::uint32_t requests = 0;      ///< under way at once they hide the way to a server; 0: no wish
  std::uint64_t request_size = 0;  ///< power of two: writes so long and aligned are the cheapest
  bool read_ahead = false;         ///< read_ahead() hides the way to a server
};

/// A point in time held inside an image.
struct SnapshotInfo {
  std::string id;
  std::string name;
  std::uint64_t virtual_size = 0;
  std::int64_t created = 0;  ///< seconds since 1970
};

/// A persistent bitmap held inside an image.
struct BitmapInfo {
  std::string name;
  std::uint64_t granularity = 0;
  bool enabled = false;
  bool consistent = true;
};

struct DiskInfo {
  std::string format;
  std::string subformat;
  std::string path;
  std::uint64_t virtual_size = 0;
  std::optional<std::uint64_t> stored_size;  ///< bytes the files take on their file system
  std::uint64_t unit_size = 0;               ///< grain or cluster; 0: none
  bool compressed = false;
  bool encrypted = false;
  bool dirty = false;
  bool corrupt = false;
  std::optional<std::string> backing_file;  ///< as the image names it
  std::optional<std::string> backing_format;
  std::optional<std::string> data_file;
  std::vector<SnapshotInfo> snapshots;
  std::vector<BitmapInfo> bitmaps;
  std::vector<std::string> files;  ///< the extents' names, as the image names them
  std::vector<std::pair<std::string, std::string>> details;  ///< what only this format has
  std::vector<std::string> warnings;
};

struct CheckReport {
  std::uint64_t total_units = 0;
  std::uint64_t allocated_units = 0;
  std::uint64_t compressed_units = 0;
  std::uint64_t leaked_units = 0;
  std::uint64_t corrupt_units = 0;
  std::vector<std::string> findings;  ///< the first hundred, in words
};

class DiskBackend;
class TargetFile;
struct Format;

class Disk {
 public:
  /// `target` is the file of a created disk, null for any other; `sources` are the files that an
  /// opened one is read from, its parents' too.
  Disk(const Format& format, std::string location, std::unique_ptr<DiskBackend> backend,
       std::shared_ptr<TargetFile> target = nullptr,
       std::vector<std::shared_ptr<File>> sources = {});
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const Format& format() const;
  /// The location the disk was opened by or will be known by.
  const std::string& location() const;
  /// The guest-visible size.
  std::uint64_t size() const;
  DiskCapabilities capabilities() const;
  Result<DiskInfo> info() const;

  /// Fills `buffer` from the guest-visible bytes at `offset`. Errors: OutOfRange past the end;
  /// Truncated, Corrupt, Io with the place in the image.
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) const;

  /// Reads one range after the other and visits what arrives, in any order, on the calling thread.
  /// A server is asked for what comes next meanwhile, as much as `room` holds, which is where the
  /// bytes come. They are visited in parts that end at multiples of `piece`, a power of two of
  /// 64 KiB at least; where a server takes no requests of that length they are shorter. Ends at
  /// the first error of `next` or `visit` and returns it. Both may use this disk.
  /// Errors: those of read; InvalidArgument where `room` does not hold a piece.
  Result<void> read_ahead(const NextRange& next, std::uint64_t piece, std::span<std::byte> room,
                          const BytesVisitor& visit) const;

  /// The run that begins at `offset` and is `length` bytes long at most; 0 < length.
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) const;
  /// The whole map, neighbours of one kind merged, in ascending order.
  Result<std::vector<DiskExtent>> map() const;

  /// Whether the files it is read from are as they were when it was opened; asked after a copy.
  /// Errors: SourceChanged.
  Result<void> unchanged() const;

  /// Visits, in ascending order, the compressed units that begin in `range`. What is not
  /// compressed is passed over. The payload lives until the visitor returns.
  Result<void> read_encoded(Extent range, const EncodedVisitor& visit) const;

  /// Tests the image's own structure. Errors: UnsupportedFeature where the format has none.
  Result<CheckReport> check() const;

  /// The bytes a persistent bitmap marks. Errors: NotFound, Corrupt.
  Result<ExtentSet> bitmap(std::string_view name) const;

  // Writing. The first error poisons the disk: every later write, and commit, answers it.
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer);
  Result<void> zero(Extent extent);
  Result<void> discard(Extent extent);
  Result<void> write_encoded(const EncodedUnit& unit);
  /// See File::copy_from. False: not possible here, use write.
  Result<bool> copy_from(HostPlace source, Extent guest);
  /// A new encoder for one thread; nullptr where the target stores plain bytes.
  std::unique_ptr<UnitEncoder> encoder() const;
  /// Gives a disk just created a persistent bitmap that marks these bytes; an enabled one records
  /// what QEMU, or vmlift in place, writes from then on. Errors: UnsupportedFeature where the
  /// format has none, InvalidArgument for a name that is taken or an impossible granularity,
  /// OutOfRange.
  Result<void> add_bitmap(const BitmapInfo& info, std::span<const Extent> marked);
  Result<void> flush();

  // Points in time, where the format makes them (RBD). Snapshots go by their id, which is never
  // used again, not by their name, which may be.
  Result<SnapshotInfo> take_snapshot(const std::string& name);
  Result<void> remove_snapshot(std::string_view id);
  /// The disk becomes what it was then. Errors: InUse while anybody else has it open.
  Result<void> roll_back(std::string_view id);
  /// A new disk at `location` that begins as that snapshot and shares its storage.
  Result<void> clone_snapshot(std::string_view id, const std::string& location);
  /// What was written or discarded since that snapshot; bytes written back to what they were
  /// may be in it. Errors: NotFound where the snapshot is no more.
  Result<ExtentSet> changes_since(std::string_view id) const;

  /// Completes a created disk: metadata, header last, flushed, and only then its final name.
  /// A created disk that is destroyed without commit leaves nothing behind. The steps can be
  /// taken one by one: complete, look at it through reopen, publish.
  Result<void> commit();
  /// Everything but the name. Writing ends here. May be called again without effect.
  Result<void> complete();
  /// A second Disk that reads a completed target before it has its name. It lives no longer
  /// than this one.
  Result<std::unique_ptr<Disk>> reopen() const;
  /// Gives a completed disk its name. Errors: Exists when somebody took it meanwhile.
  Result<void> publish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Opens a disk. `location` is a path, PACKAGE.ova!MEMBER, a URI of a format that has one, or "-"
/// for standard input. Pipes are read once, in order, and kept in a file without a name as far as
/// they were read.
/// Errors: NotFound, UnsafeProbe, BadMagic where the stated format is not what is there, and
/// every error of the formats.
Result<std::unique_ptr<Disk>> open_disk(const std::string& location,
                                        const OpenOptions& options = {});
/// The same over an open file. References are resolved beside file->path().
Result<std::unique_ptr<Disk>> open_disk(std::shared_ptr<File> file,
                                        const OpenOptions& options = {});

/// The format of what is at `location`; never raw. Errors: UnsafeProbe when no format claims it.
Result<std::string> probe(const std::string& location);

struct CreateOptions {
  std::uint64_t size = 0;  ///< guest-visible bytes
  std::map<std::string, std::string>
      options{};          ///< the format's own, qemu-img's names; an unknown one is InvalidArgument
  bool compress = false;  ///< store units compressed
  bool overwrite = false;  ///< replace an existing target, at commit
  Limits limits{};         ///< what a server may claim, and how long it may take
};

/// Creates a disk. It gets its name at commit(), complete. Errors: Exists, InvalidArgument,
/// UnsupportedFeature, NoSpace.
Result<std::unique_ptr<Disk>> create_disk(const std::string& location, std::string_view format,
                                          const CreateOptions& options);

}  // namespace vmlift
