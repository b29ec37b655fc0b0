#include "formats/qcow2/bitmaps.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

constexpr std::size_t kEntrySize = 24;
constexpr std::uint32_t kAuto = 1 << 1;
constexpr std::uint8_t kDirtyTracking = 1;
constexpr std::uint32_t kMaxBitmaps = 65535;

std::unexpected<Error> corrupt(std::uint64_t at, const char* why) {
  return std::unexpected(error(ErrorCode::Corrupt, "the directory of bitmaps {}", why).at(at));
}

Result<Bitmap> read_entry(std::span<const std::byte> directory, std::size_t& at,
                          std::uint64_t begin) {
  if (!within(at, kEntrySize, directory.size())) return corrupt(begin + at, "ends inside an entry");
  const auto entry = directory.subspan(at);
  Bitmap bitmap;
  bitmap.directory_entry = begin + at;
  bitmap.table_offset = load_be<std::uint64_t>(entry, 0);
  bitmap.table_size = load_be<std::uint32_t>(entry, 8);
  const auto flags = load_be<std::uint32_t>(entry, kBitmapFlagsAt);
  const auto type = load_be<std::uint8_t>(entry, 16);
  const auto granularity_bits = load_be<std::uint8_t>(entry, 17);
  const auto name_size = load_be<std::uint16_t>(entry, 18);
  const auto extra_size = load_be<std::uint32_t>(entry, 20);
  if (type != kDirtyTracking) return corrupt(begin + at, "has an entry of unknown type");
  if (granularity_bits < kMinGranularityBits || granularity_bits > kMaxGranularityBits) {
    return corrupt(begin + at, "has an entry of impossible granularity");
  }
  const std::uint64_t length = kEntrySize + std::uint64_t{extra_size} + name_size;
  if (name_size == 0 || name_size > kMaxBitmapName || length > entry.size()) {
    return corrupt(begin + at, "has an entry of impossible length");
  }
  bitmap.info.name = as_text(entry.subspan(kEntrySize + extra_size, name_size));
  bitmap.info.granularity = std::uint64_t{1} << granularity_bits;
  bitmap.info.enabled = flags & kAuto;
  bitmap.info.consistent = !(flags & kBitmapInUse);
  at += round_up(length, 8);
  return bitmap;
}

/// Adds the ranges whose bits are set in the bytes of one cluster.
void add_bits(std::span<const std::byte> bits, std::uint64_t first_bit, std::uint64_t granularity,
              std::uint64_t disk_size, ExtentSet& set) {
  const auto add = [&](std::uint64_t from, std::uint64_t to) {
    const std::uint64_t begin = (first_bit + from) * granularity;
    const std::uint64_t end = std::min(disk_size, (first_bit + to) * granularity);
    if (begin < end) set.add({begin, end - begin});
  };
  std::uint64_t open = ~std::uint64_t{0};  // where the run of ones began
  for (std::uint64_t bit = 0; bit < bits.size() * 8; ++bit) {
    const bool one = (std::to_integer<unsigned>(bits[bit / 8]) >> (bit % 8) & 1) != 0;
    if (one && open == ~std::uint64_t{0}) open = bit;
    if (!one && open != ~std::uint64_t{0}) {
      add(open, bit);
      open = ~std::uint64_t{0};
    }
  }
  if (open != ~std::uint64_t{0}) add(open, bits.size() * 8);
}

}  // namespace

Result<std::vector<Bitmap>> read_bitmap_directory(const File& file, const Header& header,
                                                  const Limits& limits) {
  std::vector<Bitmap> bitmaps;
  if (!header.bitmaps) return bitmaps;
  const BitmapsExtension& extension = *header.bitmaps;
  const std::uint64_t begin = extension.directory_offset;
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  if (extension.count > kMaxBitmaps || extension.directory_size > limits.metadata) {
    return fail(ErrorCode::Limit, "the image claims {} bitmaps in a directory of {} bytes",
                extension.count, extension.directory_size);
  }
  if (!is_aligned(begin, header.geometry.cluster_size())) {
    return corrupt(begin, "does not begin with a cluster");
  }
  if (!within(begin, extension.directory_size, file_size)) {
    return fail(ErrorCode::Truncated, "the directory of bitmaps ends beyond the file's end");
  }
  Bytes directory(extension.directory_size);
  VMLIFT_CHECK(file.read(begin, directory));
  std::size_t at = 0;
  for (std::uint32_t n = 0; n < extension.count; ++n) {
    VMLIFT_TRY(Bitmap bitmap, read_entry(directory, at, begin));
    bitmaps.push_back(std::move(bitmap));
  }
  return bitmaps;
}

Result<std::vector<std::uint64_t>> read_bitmap_table(const File& file, const Header& header,
                                                     const Bitmap& bitmap) {
  const std::uint64_t bits = units_for(header.geometry.size, bitmap.info.granularity);
  const std::uint64_t needed = units_for(bits, header.geometry.cluster_size() * 8);
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  if (bitmap.table_size < needed || !is_aligned(bitmap.table_offset, 8)) {
    return fail(ErrorCode::Corrupt, "bitmap '{}' is too small for the disk", bitmap.info.name);
  }
  if (!within(bitmap.table_offset, std::uint64_t{bitmap.table_size} * 8, file_size)) {
    return fail(ErrorCode::Truncated, "bitmap '{}' ends beyond the file's end", bitmap.info.name);
  }
  std::vector<std::uint64_t> table(needed);
  VMLIFT_CHECK(file.read(bitmap.table_offset, std::as_writable_bytes(std::span(table))));
  for (std::uint64_t& entry : table) {
    if constexpr (std::endian::native == std::endian::little) entry = byte_swap(entry);
    const bool ones = (entry & kBitmapEntryOnes) != 0;
    const std::uint64_t offset = entry & kBitmapEntryOffset;
    if ((entry & ~(kBitmapEntryOffset | kBitmapEntryOnes)) || (offset != 0 && ones) ||
        !is_aligned(offset, header.geometry.cluster_size())) {
      return fail(ErrorCode::Corrupt, "bitmap '{}' has an impossible entry {:#x}", bitmap.info.name,
                  entry);
    }
  }
  return table;
}

Result<ExtentSet> read_bitmap(const File& file, const Header& header, const Bitmap& bitmap) {
  if (!bitmap.info.consistent) {
    return fail(ErrorCode::Corrupt,
                "bitmap '{}' was in use and not saved: what it says is not complete",
                bitmap.info.name);
  }
  VMLIFT_TRY(const auto table, read_bitmap_table(file, header, bitmap));
  const std::uint64_t cluster_bits = header.geometry.cluster_size() * 8;
  const std::uint64_t granularity = bitmap.info.granularity;
  ExtentSet set;
  Bytes cluster(header.geometry.cluster_size());
  for (std::size_t n = 0; n < table.size(); ++n) {
    const std::uint64_t first_bit = n * cluster_bits;
    if (table[n] == kBitmapEntryOnes) {
      const std::uint64_t begin = first_bit * granularity;
      set.add({begin, std::min(header.geometry.size - begin, cluster_bits * granularity)});
    } else if (table[n] != 0) {
      VMLIFT_CHECK(file.read(table[n] & kBitmapEntryOffset, cluster));
      add_bits(cluster, first_bit, granularity, header.geometry.size, set);
    }
  }
  return set;
}

void append_directory_entry(Bytes& directory, const Bitmap& bitmap) {
  const std::size_t at = directory.size();
  const auto name = as_bytes(bitmap.info.name);
  directory.resize(at + round_up(kEntrySize + name.size(), 8));
  store_be<std::uint64_t>(directory, at, bitmap.table_offset);
  store_be<std::uint32_t>(directory, at + 8, bitmap.table_size);
  store_be<std::uint32_t>(directory, at + kBitmapFlagsAt, bitmap.info.enabled ? kAuto : 0);
  store_be<std::uint8_t>(directory, at + 16, kDirtyTracking);
  store_be<std::uint8_t>(directory, at + 17,
                         static_cast<std::uint8_t>(std::countr_zero(bitmap.info.granularity)));
  store_be<std::uint16_t>(directory, at + 18, static_cast<std::uint16_t>(name.size()));
  std::ranges::copy(name, directory.begin() + static_cast<std::ptrdiff_t>(at + kEntrySize));
}

void set_bits(std::span<std::byte> bits, const ExtentSet& marked, std::uint64_t begin,
              std::uint64_t granularity) {
  for (const Extent& extent : marked) {
    const std::uint64_t end = units_for(extent.end() - begin, granularity);
    for (std::uint64_t bit = (extent.offset - begin) / granularity; bit < end; ++bit) {
      bits[bit / 8] |= static_cast<std::byte>(1u << (bit % 8));
    }
  }
}

}  // namespace vmlift::qcow2
