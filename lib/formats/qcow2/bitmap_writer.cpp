#include "formats/qcow2/bitmap_writer.hpp"

#include <algorithm>
#include <bit>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

// QEMU refuses a bitmap whose bits take more.
constexpr std::uint64_t kMaxBitsBytes = std::uint64_t{512} << 20;

}  // namespace

std::uint64_t BitmapWriter::table_entries(const BitmapInfo& info) const {
  return units_for(units_for(geometry_.size, info.granularity), geometry_.cluster_size() * 8);
}

Result<void> BitmapWriter::add(const BitmapInfo& info, ExtentSet marked) {
  if (info.name.empty() || info.name.size() > kMaxBitmapName) {
    return fail(ErrorCode::InvalidArgument, "a bitmap's name has 1 to {} bytes, not {}",
                kMaxBitmapName, info.name.size());
  }
  if (std::ranges::any_of(bitmaps_,
                          [&](const NewBitmap& other) { return other.info.name == info.name; })) {
    return fail(ErrorCode::InvalidArgument, "there is a bitmap '{}' already", info.name);
  }
  if (!std::has_single_bit(info.granularity) ||
      info.granularity < std::uint64_t{1} << kMinGranularityBits ||
      info.granularity > std::uint64_t{1} << kMaxGranularityBits) {
    return fail(ErrorCode::InvalidArgument,
                "a bitmap's granularity is a power of two from 512 bytes to 2 GiB, not {}",
                info.granularity);
  }
  if (table_entries(info) * geometry_.cluster_size() > kMaxBitsBytes) {
    return fail(ErrorCode::InvalidArgument,
                "bitmap '{}' needs a coarser granularity than {} bytes on a disk of this size",
                info.name, info.granularity);
  }
  bitmaps_.push_back({info, std::move(marked)});
  return {};
}

Result<std::vector<std::uint64_t>> BitmapWriter::write_bits(const NewBitmap& bitmap, File& file,
                                                            HostAllocator& allocator) const {
  const std::uint64_t granularity = bitmap.info.granularity;
  const std::uint64_t coverage = geometry_.cluster_size() * 8 * granularity;
  std::vector<std::uint64_t> table(table_entries(bitmap.info));
  Bytes bits(geometry_.cluster_size());
  for (std::size_t n = 0; n < table.size(); ++n) {
    const std::uint64_t begin = n * coverage;
    const Extent window{begin, std::min(coverage, geometry_.size - begin)};
    if (!bitmap.marked.overlaps(window)) continue;
    if (bitmap.marked.contains(window)) {
      table[n] = kBitmapEntryOnes;
      continue;
    }
    std::ranges::fill(bits, std::byte{0});
    set_bits(bits, bitmap.marked.within(window), begin, granularity);
    table[n] = allocator.take(1);
    VMLIFT_CHECK(file.write(table[n], bits));
  }
  return table;
}

Result<std::optional<BitmapsExtension>> BitmapWriter::write(File& file,
                                                            HostAllocator& allocator) const {
  if (bitmaps_.empty()) return std::nullopt;
  Bytes directory;
  for (const NewBitmap& bitmap : bitmaps_) {
    VMLIFT_TRY(const auto table, write_bits(bitmap, file, allocator));
    Bytes stored(table.size() * 8);
    for (std::size_t n = 0; n < table.size(); ++n) store_be(stored, n * 8, table[n]);
    Bitmap entry{.info = bitmap.info, .table_size = static_cast<std::uint32_t>(table.size())};
    entry.table_offset = allocator.take(
        std::max<std::uint64_t>(1, units_for(stored.size(), geometry_.cluster_size())));
    VMLIFT_CHECK(file.write(entry.table_offset, stored));
    append_directory_entry(directory, entry);
  }
  const std::uint64_t place = allocator.take(units_for(directory.size(), geometry_.cluster_size()));
  VMLIFT_CHECK(file.write(place, directory));
  return BitmapsExtension{.count = static_cast<std::uint32_t>(bitmaps_.size()),
                          .directory_size = directory.size(),
                          .directory_offset = place};
}

}  // namespace vmlift::qcow2
