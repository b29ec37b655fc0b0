#include "formats/vmdk/flat_extent.hpp"

#include <cstring>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {

class FlatExtent : public ExtentReader {
 public:
  FlatExtent(std::shared_ptr<File> file, std::uint64_t start)
      : file_(std::move(file)), start_(start) {}

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return file_->read(start_ + offset, buffer);
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    VMLIFT_TRY(const File::Run run, file_->run(start_ + offset, length));
    return DiskExtent{.offset = offset,
                      .length = run.length,
                      .present = true,
                      .zero = run.hole,
                      .data = !run.hole,
                      .host_offset = start_ + offset,
                      .host_file = file_.get()};
  }

 private:
  std::shared_ptr<File> file_;
  std::uint64_t start_;
};

class ZeroExtent : public ExtentReader {
 public:
  Result<void> read(std::uint64_t, std::span<std::byte> buffer) override {
    std::memset(buffer.data(), 0, buffer.size());
    return {};
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    return DiskExtent{.offset = offset, .length = length, .present = true, .zero = true};
  }
};

}  // namespace

Result<std::unique_ptr<ExtentReader>> open_flat_extent(std::shared_ptr<File> file,
                                                       std::uint64_t offset, std::uint64_t length) {
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  if (!within(offset, length, file_size)) {
    return std::unexpected(error(ErrorCode::Truncated,
                                 "the extent needs {} bytes from byte {} on, the file has {}",
                                 length, offset, file_size)
                               .in(file->path()));
  }
  return std::make_unique<FlatExtent>(std::move(file), offset);
}

std::unique_ptr<ExtentReader> zero_extent() { return std::make_unique<ZeroExtent>(); }

}  // namespace vmlift::vmdk
