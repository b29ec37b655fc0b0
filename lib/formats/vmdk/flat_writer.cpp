#include "formats/vmdk/flat_writer.hpp"

#include <algorithm>
#include <vector>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/extent_layout.hpp"

namespace vmlift::vmdk {
namespace {

class FlatWriter : public DiskBackend {
 public:
  FlatWriter(std::shared_ptr<TargetFile> descriptor, const NewImage& image,
             std::vector<ListedExtent> layout)
      : descriptor_(std::move(descriptor)), image_(image), layout_(std::move(layout)) {}

  Result<void> make_files() {
    std::uint64_t start = 0;
    for (const ListedExtent& extent : layout_) {
      VMLIFT_TRY(auto file, descriptor_->extra(extent.file));
      VMLIFT_CHECK(file->resize(extent.sectors * kSector));
      parts_.push_back({start, extent.sectors * kSector, std::move(file)});
      start += extent.sectors * kSector;
    }
    return {};
  }

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return image_.bytes(); }
  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.zero = can.discard = can.zero_initialised = true;
    return can;
  }
  Result<void> info(DiskInfo& info) const override {
    info.subformat = kind_name(image_.kind);
    for (const ListedExtent& extent : layout_) info.files.push_back(extent.file);
    return {};
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return each_part({offset, buffer.size()}, [&](const Part& part, vmlift::Extent inside) {
      return part.file->read(inside.offset - part.start,
                             buffer.subspan(inside.offset - offset, inside.length));
    });
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    const Part& part = parts_[part_at(offset)];
    const std::uint64_t at = offset - part.start;
    VMLIFT_TRY(const File::Run run, part.file->run(at, std::min(length, part.length - at)));
    return DiskExtent{.offset = offset,
                      .length = run.length,
                      .present = true,
                      .zero = run.hole,
                      .data = !run.hole,
                      .host_offset = at,
                      .host_file = part.file.get()};
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return each_part({offset, buffer.size()}, [&](const Part& part, vmlift::Extent inside) {
      return part.file->write(inside.offset - part.start,
                              buffer.subspan(inside.offset - offset, inside.length));
    });
  }
  Result<void> zero(vmlift::Extent extent) override {
    return each_part(extent, [](const Part& part, vmlift::Extent inside) {
      return part.file->zero({inside.offset - part.start, inside.length});
    });
  }
  Result<void> discard(vmlift::Extent extent) override { return zero(extent); }

  Result<bool> copy_from(HostPlace source, vmlift::Extent guest) override {
    const Part& part = parts_[part_at(guest.offset)];
    if (guest.end() > part.start + part.length) return false;
    return part.file->copy_from(source, guest.offset - part.start, guest.length);
  }
  Result<void> flush() override {
    for (const Part& part : parts_) VMLIFT_CHECK(part.file->sync());
    return {};
  }
  Result<void> complete() override {
    return descriptor_->write(0, as_bytes(write_descriptor(image_, layout_, ContentId::random())));
  }

 private:
  struct Part {
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    std::shared_ptr<File> file;
  };

  std::size_t part_at(std::uint64_t offset) const {
    const auto after = std::ranges::upper_bound(parts_, offset, {}, &Part::start);
    return static_cast<std::size_t>(after - parts_.begin()) - 1;
  }

  template <class Call>
  Result<void> each_part(vmlift::Extent range, Call call) {
    for (std::size_t index = part_at(range.offset); !range.empty(); ++index) {
      const Part& part = parts_[index];
      const std::uint64_t step = std::min(range.length, part.start + part.length - range.offset);
      VMLIFT_CHECK(call(part, vmlift::Extent{range.offset, step}));
      range = {range.offset + step, range.length - step};
    }
    return {};
  }

  std::shared_ptr<TargetFile> descriptor_;
  NewImage image_;
  std::vector<ListedExtent> layout_;
  std::vector<Part> parts_;
};

}  // namespace

Result<std::unique_ptr<DiskBackend>> create_flat(std::shared_ptr<TargetFile> file,
                                                 const NewImage& image, const std::string& name) {
  VMLIFT_TRY(auto layout, extent_layout(image, name));
  auto writer = std::make_unique<FlatWriter>(std::move(file), image, std::move(layout));
  VMLIFT_CHECK(writer->make_files());
  return writer;
}

}  // namespace vmlift::vmdk
