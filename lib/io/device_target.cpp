#include "io/device_target.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "base/fail.hpp"
#include "io/held_head.hpp"
#include "io/posix_file.hpp"

namespace vmlift {
namespace {

class DeviceTarget : public TargetFile {
 public:
  DeviceTarget(Descriptor device, const std::string& path, std::uint64_t size)
      : file_(std::move(device), path, PosixFile::Use::write), size_(size), head_(size) {}

  bool fresh() const override { return false; }
  const std::string& path() const override { return file_.path(); }
  Result<std::uint64_t> size() const override { return size_; }

  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override {
    VMLIFT_TRY(const std::size_t got, file_.read_some(offset, buffer));
    head_.lay_over(offset, buffer.first(got));
    return got;
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    VMLIFT_CHECK(begin(offset + buffer.size()));
    const std::size_t kept = head_.keep(offset, buffer);
    buffer = buffer.subspan(kept);
    return buffer.empty() ? Result<void>{} : file_.write(offset + kept, buffer);
  }

  Result<void> zero(Extent extent) override {
    VMLIFT_CHECK(begin(extent.end()));
    const std::uint64_t kept = head_.keep_zeros(extent);
    extent = {extent.offset + kept, extent.length - kept};
    return extent.empty() ? Result<void>{} : file_.zero(extent);
  }

  /// A device keeps its size; what does not fit is told before a byte is written.
  Result<void> resize(std::uint64_t size) override { return begin(size); }
  Result<void> allocate(Extent extent) override { return begin(extent.end()); }
  Result<void> sync() override { return file_.sync(); }

  Result<std::shared_ptr<File>> extra(const std::string& name) override {
    return std::unexpected(error(ErrorCode::InvalidArgument,
                                 "a block device cannot hold an image of several files ({})", name)
                               .in(path()));
  }
  Result<std::shared_ptr<File>> pending(std::string_view name) override {
    return fail(ErrorCode::NotFound, "the target has no file '{}'", name);
  }

  Result<void> publish() override {
    VMLIFT_CHECK(file_.sync());
    VMLIFT_CHECK(file_.write(0, head_.bytes()));
    return file_.sync();
  }

 private:
  /// Before the first byte up to `end`: there is room, and the mark stands where the device had
  /// its boot sector, so that an interrupted copy cannot be taken for anything else.
  Result<void> begin(std::uint64_t end) {
    if (end > size_) {
      return std::unexpected(
          error(ErrorCode::NoSpace, "the device has {} bytes, {} are needed", size_, end)
              .in(path()));
    }
    std::lock_guard lock(mutex_);
    if (std::exchange(begun_, true)) return {};
    VMLIFT_CHECK(file_.write(0, std::vector<std::byte>(head_.bytes().size())));
    return file_.write(0, head_.mark());
  }

  PosixFile file_;
  std::uint64_t size_;
  std::mutex mutex_;
  bool begun_ = false;
  HeldHead head_;
};

}  // namespace

bool is_block_device(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

Result<std::shared_ptr<TargetFile>> open_device_target(const std::string& path, bool overwrite) {
  if (!overwrite) {
    return std::unexpected(
        error(ErrorCode::Exists, "the target is a block device; --overwrite writes over it")
            .in(path));
  }
  // O_EXCL on a block device without O_CREAT: refused while it is mounted or held.
  Descriptor device(::open(path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  if (!device) return std::unexpected(os_error(errno, "opening the device").in(path));
  std::uint64_t size = 0;
  if (::ioctl(device.get(), BLKGETSIZE64, &size) != 0) {
    return std::unexpected(os_error(errno, "reading the device's size").in(path));
  }
  return std::make_shared<DeviceTarget>(std::move(device), path, size);
}

}  // namespace vmlift
