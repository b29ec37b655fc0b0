#include "disk/blank.hpp"

#include <algorithm>

#include "vmlift/format.hpp"

namespace vmlift {
namespace {

constexpr Format kBlank{.name = "blank", .description = "nothing but zeros"};

class BlankDisk : public DiskBackend {
 public:
  explicit BlankDisk(std::uint64_t size) : size_(size) {}

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return size_; }
  DiskCapabilities capabilities() const override { return {}; }
  Result<void> info(DiskInfo& info) const override {
    info.subformat = "blank";
    return {};
  }
  Result<void> read(std::uint64_t, std::span<std::byte> buffer) override {
    std::ranges::fill(buffer, std::byte{0});
    return {};
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    return DiskExtent{.offset = offset, .length = length, .zero = true};
  }

 private:
  const std::uint64_t size_;
};

}  // namespace

std::unique_ptr<Disk> blank_disk(std::uint64_t size) {
  return std::make_unique<Disk>(kBlank, "a blank disk", std::make_unique<BlankDisk>(size), nullptr,
                                std::vector<std::shared_ptr<File>>{});
}

}  // namespace vmlift
