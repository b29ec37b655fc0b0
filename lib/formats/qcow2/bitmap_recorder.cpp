#include "formats/qcow2/bitmap_recorder.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {

BitmapRecorder::BitmapRecorder(std::shared_ptr<File> file, const Header& header,
                               const std::vector<Bitmap>& bitmaps)
    : file_(std::move(file)), header_(header) {
  // One that is in use already was lost by somebody else; it stays as it is.
  std::ranges::copy_if(bitmaps, std::back_inserter(enabled_), [](const Bitmap& bitmap) {
    return bitmap.info.enabled && bitmap.info.consistent;
  });
}

Result<void> BitmapRecorder::mark(bool in_use) {
  for (const Bitmap& bitmap : enabled_) {
    std::array<std::byte, 4> field;
    VMLIFT_CHECK(file_->read(bitmap.directory_entry + kBitmapFlagsAt, field));
    const auto flags = load_be<std::uint32_t>(field);
    store_be<std::uint32_t>(field, 0, in_use ? flags | kBitmapInUse : flags & ~kBitmapInUse);
    VMLIFT_CHECK(file_->write(bitmap.directory_entry + kBitmapFlagsAt, field));
  }
  return file_->sync();
}

Result<void> BitmapRecorder::record(Extent extent) {
  if (enabled_.empty()) return {};
  if (changed_.empty()) VMLIFT_CHECK(mark(true));
  changed_.add(extent);
  return {};
}

Result<void> BitmapRecorder::save(RefcountStore& refcounts) {
  if (changed_.empty()) return {};
  for (const Bitmap& bitmap : enabled_) VMLIFT_CHECK(save(bitmap, refcounts));
  changed_.clear();
  return mark(false);
}

Result<void> BitmapRecorder::save(const Bitmap& bitmap, RefcountStore& refcounts) {
  const std::uint64_t cluster_size = header_.geometry.cluster_size();
  const std::uint64_t granularity = bitmap.info.granularity;
  const std::uint64_t coverage = cluster_size * 8 * granularity;  // of one cluster of bits
  VMLIFT_TRY(auto table, read_bitmap_table(*file_, header_, bitmap));
  std::vector<std::size_t> new_entries;
  Bytes bits(cluster_size);
  for (std::size_t n = 0; n < table.size(); ++n) {
    const std::uint64_t begin = n * coverage;
    const Extent window{begin, std::min(coverage, header_.geometry.size - begin)};
    if (table[n] == kBitmapEntryOnes || !changed_.overlaps(window)) continue;
    if (table[n] == 0) {
      std::ranges::fill(bits, std::byte{0});
      VMLIFT_TRY(table[n], refcounts.take());
      new_entries.push_back(n);
    } else {
      VMLIFT_CHECK(file_->read(table[n], bits));
    }
    set_bits(bits, changed_.within(window), begin, granularity);
    VMLIFT_CHECK(file_->write(table[n], bits));
  }
  VMLIFT_CHECK(refcounts.save());
  VMLIFT_CHECK(file_->sync());
  for (const std::size_t n : new_entries) {
    std::array<std::byte, 8> entry;
    store_be<std::uint64_t>(entry, 0, table[n]);
    VMLIFT_CHECK(file_->write(bitmap.table_offset + n * 8, entry));
  }
  return file_->sync();
}

}  // namespace vmlift::qcow2
