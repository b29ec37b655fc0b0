// A stream seen as a file. It is taken in once, in order and only as far as somebody reads, into a
// file without a name under $TMPDIR (/var/tmp without one): so reads may come from anywhere and
// from several threads, memory stays small whatever the size, zeros take no room, and nothing is
// left behind however the process ends. For compressed files an index instead would need no room
// on disk, but of the three formats only gzip could be entered in the middle.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "io/input_stream.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

class SpooledFile : public File {
 public:
  /// `limit`: the most bytes the stream may have. Errors: those of making a temporary file.
  static Result<std::shared_ptr<File>> create(std::unique_ptr<InputStream> stream,
                                              std::uint64_t limit);
  /// What `packed` expands to.
  static Result<std::shared_ptr<File>> create(std::shared_ptr<File> packed, Wrapping wrapping,
                                              const Limits& limits, StreamWatch watch = {});

  const std::string& path() const override { return path_; }
  /// Takes in all of the stream: no format says its size where it could be trusted.
  Result<std::uint64_t> size() const override;
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override;
  std::optional<HostPlace> host(std::uint64_t offset) const override;
  std::shared_ptr<const Folder> beside() const override { return stream_->beside(); }
  bool arriving() const override { return true; }
  Result<void> unchanged() const override { return stream_->unchanged(); }

 private:
  SpooledFile(std::unique_ptr<InputStream> stream, std::uint64_t limit,
              std::unique_ptr<File> spool);

  /// Takes in the stream until `end` bytes are there or it is complete.
  Result<void> reach(std::uint64_t end) const;
  Result<void> take_some() const;
  Result<void> store(std::span<const std::byte> plain) const;

  const std::string path_;
  const std::uint64_t limit_;
  const std::unique_ptr<InputStream> stream_;
  const std::unique_ptr<File> spool_;

  // The stream goes on behind const: that changes what is known, not what the file holds.
  mutable std::mutex mutex_;
  mutable std::optional<Error> failure_;  // the stream goes no further
  mutable std::atomic<std::uint64_t> stored_ = 0;
  mutable std::atomic<bool> complete_ = false;
};

/// `file` as its name says: expanded if it ends in .gz, .xz or .zst, else as it is. The name is
/// the caller's word; the bytes alone are not trusted, for a guest could have written them on a
/// raw disk. Errors: BadMagic where name and bytes disagree.
Result<std::shared_ptr<File>> expand_by_name(std::shared_ptr<File> file, const Limits& limits,
                                             StreamWatch watch = {});
/// The same by the first bytes, for files that are never raw disks.
Result<std::shared_ptr<File>> expand_by_bytes(std::shared_ptr<File> file, const Limits& limits,
                                              StreamWatch watch = {});

}  // namespace vmlift
