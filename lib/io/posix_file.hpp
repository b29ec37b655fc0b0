// A file or block device of the operating system.
#pragma once

#include <string>

#include "io/descriptor.hpp"
#include "vmlift/file.hpp"

namespace vmlift {

class PosixFile : public File {
 public:
  enum class Use {
    read,
    write,    ///< and flushed in the end
    scratch,  ///< written too, but to nobody's good when this process is gone
  };
  PosixFile(Descriptor descriptor, std::string path, Use use);

  const std::string& path() const override { return path_; }
  Result<std::uint64_t> size() const override;
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override;
  std::optional<HostPlace> host(std::uint64_t offset) const override;
  /// By size and time of change; devices and files open for writing have none.
  Result<void> unchanged() const override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override;
  Result<void> zero(Extent extent) override;
  Result<void> resize(std::uint64_t size) override;
  Result<void> allocate(Extent extent) override;
  Result<void> sync() override;
  Result<bool> copy_from(HostPlace source, std::uint64_t offset, std::uint64_t length) override;

  int descriptor() const { return descriptor_.get(); }

 private:
  bool writable() const { return use_ != Use::read; }
  /// A write past RLIMIT_FSIZE raises SIGXFSZ, which would kill the embedding process.
  Result<void> room_for(std::uint64_t end) const;

  Descriptor descriptor_;
  std::string path_;
  Use use_;
  std::uint64_t size_limit_;
  /// Size and time of change when the file was opened.
  struct Stamp {
    std::int64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::optional<Stamp> stamp() const;
  std::optional<Stamp> opened_;
};

/// Whether the descriptor is a regular file or a block device; FIFOs, sockets and character
/// devices are InvalidArgument: reading them could hang or never end.
Result<void> require_storage(int descriptor, const std::string& path, bool allow_device);

}  // namespace vmlift
