// Raw: the guest's bytes as they are. Holes of the file are zeros of the guest.
#include <algorithm>
#include <array>

#include "base/fail.hpp"
#include "formats/records.hpp"

namespace vmlift {
namespace {

class RawDisk : public DiskBackend {
 public:
  RawDisk(std::shared_ptr<File> file, std::uint64_t size, bool writable, bool created)
      : file_(std::move(file)), size_(size), writable_(writable), created_(created) {}

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return size_; }

  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.zero = can.discard = writable_;
    can.zero_initialised = created_;
    return can;
  }

  Result<void> info(DiskInfo& info) const override {
    info.subformat = "raw";
    return {};
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return file_->read(offset, buffer);
  }

  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    VMLIFT_TRY(const File::Run run, file_->run(offset, length));
    DiskExtent extent{.offset = offset, .length = run.length, .present = true,
                      .zero = run.hole, .data = !run.hole};
    extent.host_offset = offset;
    extent.host_file = file_.get();
    return extent;
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return file_->write(offset, buffer);
  }
  Result<void> zero(Extent extent) override { return file_->zero(extent); }
  Result<void> discard(Extent extent) override { return file_->zero(extent); }
  Result<bool> copy_from(HostPlace source, Extent guest) override {
    return file_->copy_from(source, guest.offset, guest.length);
  }
  Result<void> flush() override { return file_->sync(); }

 private:
  std::shared_ptr<File> file_;
  std::uint64_t size_;
  bool writable_;
  bool created_;
};

Result<std::unique_ptr<DiskBackend>> open(const OpenRequest& request) {
  VMLIFT_TRY(const std::uint64_t size, request.file->size());
  return std::make_unique<RawDisk>(request.file, size, request.options.writable, false);
}

Result<std::unique_ptr<DiskBackend>> create(const CreateRequest& request) {
  if (request.options.compress) {
    return fail(ErrorCode::InvalidArgument, "a raw disk cannot be compressed");
  }
  VMLIFT_CHECK(request.file->resize(request.options.size));
  return std::make_unique<RawDisk>(request.file, request.options.size, true, true);
}

constexpr std::array kSubformats = {
    Subformat{.name = "raw", .read = true, .write = true, .create = true}};

}  // namespace

const Format kRawFormat = {
    .name = "raw",
    .description = "the guest's bytes as they are",
    .subformats = kSubformats,
    .open = open,
    .create = create,
};

}  // namespace vmlift
