// The extension point: what a disk format provides. A format is a folder under lib/formats with
// one Format record, named in the table of lib/formats/formats.cpp.
//
// Disk is the gate in front of a backend: it has checked that every range lies within the
// disk and is not empty, that writing is allowed, and it has taken the lock that the backend's
// ThreadModel asks for. A backend checks what its file says, never what its caller says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vmlift/disk.hpp"
#include "vmlift/error.hpp"
#include "vmlift/file.hpp"

namespace vmlift {

enum class ThreadModel {
  serialized,      ///< one call at a time
  parallel_reads,  ///< reads beside reads; writes alone
  parallel,        ///< anything beside anything; the backend locks for itself
};

class DiskBackend {
 public:
  virtual ~DiskBackend() = default;

  virtual ThreadModel thread_model() const { return ThreadModel::serialized; }
  virtual std::uint64_t size() const = 0;
  virtual DiskCapabilities capabilities() const = 0;
  /// Fills in what the format knows; the gate adds format, path and size.
  virtual Result<void> info(DiskInfo& info) const = 0;

  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) = 0;
  /// The run at `offset`, `length` bytes at most. It may end early; the gate merges.
  virtual Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) = 0;
  /// Only called where capabilities().read_ahead says so; the gate uses read() for all others.
  /// The ranges that `next` gives lie within the disk.
  virtual Result<void> read_ahead(const NextRange& next, std::uint64_t piece,
                                  std::span<std::byte> room, const BytesVisitor& visit);
  virtual Result<void> read_encoded(Extent range, const EncodedVisitor& visit);
  virtual Result<CheckReport> check();
  virtual Result<ExtentSet> bitmap(std::string_view name);

  virtual Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer);
  virtual Result<void> zero(Extent extent);
  virtual Result<void> discard(Extent extent);
  virtual Result<void> write_encoded(const EncodedUnit& unit);
  virtual Result<bool> copy_from(HostPlace source, Extent guest);
  virtual std::unique_ptr<UnitEncoder> encoder() const { return nullptr; }
  virtual Result<void> add_bitmap(const BitmapInfo& info, const ExtentSet& marked);
  virtual Result<void> flush();
  /// Writes what a created disk still lacks: tables, the header last. The gate flushes and
  /// gives the name afterwards.
  virtual Result<void> complete();
  /// A second backend that reads a completed disk which has no name yet, for formats reached by
  /// URI; a file is opened anew by the gate.
  virtual Result<std::unique_ptr<DiskBackend>> reopen();
  /// Gives the final name, for formats reached by URI; a file's name is given by the gate.
  virtual Result<void> publish();

  // Points in time; see Disk.
  virtual Result<SnapshotInfo> take_snapshot(const std::string& name);
  virtual Result<void> remove_snapshot(std::string_view id);
  virtual Result<void> roll_back(std::string_view id);
  virtual Result<void> clone_snapshot(std::string_view id, const std::string& location);
  virtual Result<ExtentSet> changes_since(std::string_view id);
};

/// How a backend reaches what its image names: the caller's policy stands in between.
class References {
 public:
  virtual ~References() = default;
  /// Opens a file that the image names. `kind` says what for ("extent", "data file").
  /// Errors: ReferenceDenied, MissingExtent.
  virtual Result<std::shared_ptr<File>> open_file(std::string_view name, std::string_view kind) = 0;
  /// Opens the disk below this one. An empty format is the image's own format: a parent is
  /// never probed. Errors: as open_file; ChainLoop, Limit.
  virtual Result<std::unique_ptr<Disk>> open_parent(std::string_view name,
                                                    std::string_view format) = 0;
};

struct OpenRequest {
  std::shared_ptr<File> file;  ///< null for formats that are reached by URI
  std::string location;
  const OpenOptions& options;
  References& references;
};

/// A file under its way to its name; see lib/io/target.hpp. `extra(NAME)` makes one more beside
/// it, for formats of several files: all get their names together, the first one last.
class TargetFile : public File {
 public:
  /// Whether what is never written reads as zeros: true for a new file, false for a device.
  virtual bool fresh() const { return true; }
  virtual Result<std::shared_ptr<File>> extra(const std::string& name) = 0;
  /// One of the files made so far, by its name. Errors: NotFound.
  virtual Result<std::shared_ptr<File>> pending(std::string_view name) = 0;
  /// Flushes, gives the final names, flushes the folder. The gate calls it, no backend does.
  virtual Result<void> publish() = 0;
};

struct CreateRequest {
  std::shared_ptr<TargetFile> file;  ///< null for formats that are reached by URI
  std::string location;
  const CreateOptions& options;
};

/// What can be done with one kind of image within a format; a row of the README's table.
struct Subformat {
  std::string_view name;
  bool read = false;
  bool write = false;  ///< in place, into an existing image
  bool create = false;
};

/// One -o KEY=VALUE of a format.
struct FormatOption {
  std::string_view name;
  std::string_view values;  ///< what it takes, in words
  std::string_view meaning;
  bool for_opening = false;  ///< an existing disk is opened with it too
};

struct Format {
  std::string_view name;
  std::string_view description;
  std::span<const Subformat> subformats{};
  std::span<const FormatOption> options{};
  /// "nbd", "rbd": locations SCHEME:... belong to this format and need no file.
  std::span<const std::string_view> schemes{};
  /// Whether references are allowed beside the image when the caller says nothing.
  bool references_beside = false;
  /// Whether `head`, the first bytes of a file (up to 4096), are of this format. Null: never
  /// probed (raw).
  bool (*probe)(std::span<const std::byte> head) = nullptr;
  Result<std::unique_ptr<DiskBackend>> (*open)(const OpenRequest& request) = nullptr;
  Result<std::unique_ptr<DiskBackend>> (*create)(const CreateRequest& request) = nullptr;
  /// What create() finds out before it changes anything, for a plan. Null: nothing; of a file the
  /// gate knows whether it is there.
  Result<void> (*check_target)(const CreateRequest& request) = nullptr;
};

/// The table of formats, in the order of probing.
std::span<const Format* const> formats();
/// The format of that name, or nullptr.
const Format* find_format(std::string_view name);

}  // namespace vmlift
