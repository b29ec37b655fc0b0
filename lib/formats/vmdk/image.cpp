#include "formats/vmdk/image.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::vmdk {

void Image::append(std::unique_ptr<ExtentReader> reader, std::uint64_t length) {
  if (length == 0) return;
  parts_.push_back({size_, length, std::move(reader)});
  size_ += length;
}

/// The part that holds `offset`, which lies on the disk.
std::size_t Image::part_at(std::uint64_t offset) const {
  const auto after = std::ranges::upper_bound(parts_, offset, {}, &Part::start);
  return static_cast<std::size_t>(after - parts_.begin()) - 1;
}

DiskCapabilities Image::capabilities() const {
  DiskCapabilities can;
  can.encoded_read =
      std::ranges::any_of(parts_, [](const Part& part) { return part.reader->compressed(); });
  return can;
}

Result<void> Image::info(DiskInfo& info) const {
  info.subformat = facts_.subformat;
  info.files = facts_.files;
  info.warnings = facts_.warnings;
  info.dirty = facts_.unclean;
  for (const Part& part : parts_) {
    info.unit_size = std::max(info.unit_size, part.reader->unit_size());
    info.compressed = info.compressed || part.reader->compressed();
    std::ranges::copy(part.reader->warnings(), std::back_inserter(info.warnings));
  }
  if (facts_.header_version != 0) {
    info.details.emplace_back("header-version", std::to_string(facts_.header_version));
  }
  if (facts_.descriptor) {
    const Descriptor& descriptor = *facts_.descriptor;
    info.details.emplace_back("create-type", descriptor.create_type);
    info.details.emplace_back("cid", fmt::format("{:08x}", descriptor.cid));
    info.details.emplace_back("parent-cid", fmt::format("{:08x}", descriptor.parent_cid));
    for (const auto& [key, value] : descriptor.database) info.details.emplace_back(key, value);
    if (descriptor.has_parent()) {
      info.backing_file = descriptor.parent_hint;
      info.backing_format = "vmdk";
    }
  }
  return {};
}

Result<void> Image::read(std::uint64_t offset, std::span<std::byte> buffer) {
  for (std::size_t index = part_at(offset); !buffer.empty(); ++index) {
    const Part& part = parts_[index];
    const std::uint64_t step = std::min<std::uint64_t>(buffer.size(), part.end() - offset);
    VMLIFT_CHECK(part.reader->read(offset - part.start, buffer.first(step)));
    buffer = buffer.subspan(step);
    offset += step;
  }
  return {};
}

Result<DiskExtent> Image::extent(std::uint64_t offset, std::uint64_t length) {
  const Part& part = parts_[part_at(offset)];
  length = std::min(length, part.end() - offset);
  auto run = part.reader->extent(offset - part.start, length);
  if (run) run->offset = offset;
  return run;
}

Result<void> Image::read_encoded(vmlift::Extent range, const EncodedVisitor& visit) {
  for (std::size_t index = part_at(range.offset);
       index < parts_.size() && parts_[index].start < range.end(); ++index) {
    const Part& part = parts_[index];
    const std::uint64_t begin = std::max(range.offset, part.start);
    const std::uint64_t end = std::min(range.end(), part.end());
    VMLIFT_CHECK(part.reader->read_encoded({begin - part.start, end - begin},
                                           [&](const EncodedUnit& unit) -> Result<void> {
                                             // An extent may use less than its file holds: such a
                                             // unit is not whole here.
                                             if (unit.guest.end() > part.length) return {};
                                             EncodedUnit placed = unit;
                                             placed.guest.offset += part.start;
                                             return visit(placed);
                                           }));
  }
  return {};
}

Result<CheckReport> Image::check() {
  CheckReport report;
  for (const Part& part : parts_) VMLIFT_CHECK(part.reader->check(report));
  return report;
}

}  // namespace vmlift::vmdk
