#include "formats/qcow2/check.hpp"

#include <algorithm>
#include <span>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/qcow2/refcounts.hpp"

namespace vmlift::qcow2 {
namespace {

constexpr std::size_t kMaxFindings = 100;

class Checker {
 public:
  Checker(const File& file, const Header& header, std::uint64_t file_size)
      : file_(file), header_(header), geometry_(header.geometry), file_size_(file_size) {}

  Result<CheckReport> run(const SnapshotTable& snapshots, const std::vector<Bitmap>& bitmaps);

 private:
  using Words = std::vector<std::uint64_t>;

  template <class... Args>
  void corrupt(fmt::format_string<Args...> format, Args&&... args) {
    ++report_.corrupt_units;
    note(fmt::format(format, std::forward<Args>(args)...));
  }
  void note(std::string finding) {
    if (report_.findings.size() < kMaxFindings) report_.findings.push_back(std::move(finding));
  }

  Result<Words> read_words(std::uint64_t offset, std::uint64_t count);
  bool count(std::uint64_t offset, std::uint64_t length);
  Result<void> count_l1(std::uint64_t offset, std::uint64_t entries, bool active);
  void count_l2(const Words& table, bool active);
  Result<void> count_bitmaps(const std::vector<Bitmap>& bitmaps);
  Result<void> count_refcount_blocks();
  Result<void> compare();
  Result<void> check_copied_flags();
  Result<std::uint64_t> stored_refcount(std::uint64_t cluster);

  const File& file_;
  const Header& header_;
  const Geometry& geometry_;
  const std::uint64_t file_size_;
  CheckReport report_;
  RefcountTally references_;
  Words blocks_;  // where the refcount blocks lie; 0: none
  Bytes block_;   // the one looked at last
  std::uint64_t block_number_ = ~std::uint64_t{0};
};

Result<Checker::Words> Checker::read_words(std::uint64_t offset, std::uint64_t count) {
  Words words(count);
  VMLIFT_CHECK(file_.read(offset, std::as_writable_bytes(std::span(words))));
  if constexpr (std::endian::native == std::endian::little) {
    for (std::uint64_t& word : words) word = byte_swap(word);
  }
  return words;
}

/// One more reference to each cluster of the range; false when it lies outside of the file. The
/// last cluster of a file may be cut short.
bool Checker::count(std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return true;
  const auto end = checked_add(offset, length);
  if (!end || *end > round_up(file_size_, geometry_.cluster_size())) {
    corrupt("{} bytes at {:#x} are referred to, but the file ends at {:#x}", length, offset,
            file_size_);
    return false;
  }
  for (std::uint64_t n = offset >> geometry_.cluster_bits;
       n <= (*end - 1) >> geometry_.cluster_bits; ++n) {
    references_.add(n);
  }
  return true;
}

Result<void> Checker::count_l1(std::uint64_t offset, std::uint64_t entries, bool active) {
  if (entries == 0) return {};
  if (!within(offset, entries * 8, file_size_) || !is_aligned(offset, geometry_.cluster_size())) {
    corrupt("an L1 table of {} entries at {:#x} does not lie in the file", entries, offset);
    return {};
  }
  if (references_.get(offset >> geometry_.cluster_bits) != 0) {
    corrupt("the L1 table at {:#x} lies where something else lies", offset);
    return {};
  }
  count(offset, entries * 8);
  VMLIFT_TRY(const Words l1, read_words(offset, entries));
  for (const std::uint64_t entry : l1) {
    const std::uint64_t table = entry & kOffsetMask;
    if (entry & kL1Reserved) corrupt("L1 entry {:#018x} has reserved bits set", entry);
    if (table == 0) continue;
    if (!is_aligned(table, geometry_.cluster_size())) {
      corrupt("L1 entry {:#018x} does not point to a cluster's begin", entry);
      continue;
    }
    if (!count(table, geometry_.cluster_size()) ||
        !within(table, geometry_.cluster_size(), file_size_)) {
      continue;
    }
    VMLIFT_TRY(const Words l2, read_words(table, geometry_.l2_words()));
    count_l2(l2, active);
  }
  return {};
}

void Checker::count_l2(const Words& table, bool active) {
  for (std::size_t index = 0; index < table.size(); index += geometry_.l2_stride()) {
    const std::uint64_t word = table[index];
    if (word & kCompressed) {
      if (geometry_.data_file) corrupt("L2 entry {:#018x} is compressed beside a data file", word);
      if (word & kCopied) corrupt("L2 entry {:#018x} is compressed and has the COPIED flag", word);
      const PackedPlace place = geometry_.unpack(word);
      count(round_down(place.offset, kSector), place.end() - round_down(place.offset, kSector));
      report_.allocated_units += active;
      report_.compressed_units += active;
      continue;
    }
    const std::uint64_t bitmap = geometry_.extended_l2 ? table[index + 1] : 0;
    if ((bitmap & (bitmap >> kSubclusters)) != 0) {
      corrupt("L2 entry {:#018x} has subclusters both allocated and zero", word);
    }
    const std::uint64_t host = word & kOffsetMask;
    if (host == 0 && !(geometry_.data_file && (word & kCopied))) {
      if (geometry_.extended_l2 && (bitmap & 0xffffffff)) {
        corrupt("L2 entry {:#018x} has subclusters without a cluster", word);
      }
      continue;
    }
    if (word & (kL2Reserved | (geometry_.extended_l2 ? kZero : 0))) {
      corrupt("L2 entry {:#018x} has reserved bits set", word);
    }
    if (!is_aligned(host, geometry_.cluster_size())) {
      corrupt("L2 entry {:#018x} does not point to a cluster's begin", word);
      continue;
    }
    report_.allocated_units += active;
    if (!geometry_.data_file) count(host, geometry_.cluster_size());
  }
}

Result<void> Checker::count_bitmaps(const std::vector<Bitmap>& bitmaps) {
  if (!header_.bitmaps || bitmaps.empty()) return {};
  count(header_.bitmaps->directory_offset, header_.bitmaps->directory_size);
  for (const Bitmap& bitmap : bitmaps) {
    const auto table = read_bitmap_table(file_, header_, bitmap);
    if (!table) {
      corrupt("{}", table.error().message());
      continue;
    }
    count(bitmap.table_offset, std::uint64_t{bitmap.table_size} * 8);
    for (const std::uint64_t entry : *table) {
      if (entry & kBitmapEntryOffset) {
        count(entry & kBitmapEntryOffset, geometry_.cluster_size());
      }
    }
  }
  return {};
}

Result<void> Checker::count_refcount_blocks() {
  const std::uint64_t table_bytes = std::uint64_t{header_.refcount_table_clusters}
                                    << geometry_.cluster_bits;
  count(header_.refcount_table_offset, table_bytes);
  VMLIFT_TRY(blocks_, read_words(header_.refcount_table_offset, table_bytes / 8));
  for (std::uint64_t& entry : blocks_) {
    if (entry == 0) continue;
    if (!is_aligned(entry, geometry_.cluster_size())) {
      corrupt("the refcount block at {:#x} does not begin with a cluster", entry);
      entry = 0;
    } else if (!count(entry, geometry_.cluster_size()) ||
               !within(entry, geometry_.cluster_size(), file_size_)) {
      entry = 0;
    } else if (references_.get(entry >> geometry_.cluster_bits) != 1) {
      corrupt("the refcount block at {:#x} lies where something else lies", entry);
    }
  }
  return {};
}

Result<std::uint64_t> Checker::stored_refcount(std::uint64_t cluster) {
  const std::uint64_t per_block = refcounts_per_block(header_);
  const std::uint64_t number = cluster / per_block;
  if (number >= blocks_.size() || blocks_[number] == 0) return 0;
  if (number != block_number_) {
    block_.resize(geometry_.cluster_size());
    VMLIFT_CHECK(file_.read(blocks_[number], block_));
    block_number_ = number;
  }
  return load_refcount(block_, cluster % per_block, header_.refcount_order);
}

Result<void> Checker::compare() {
  const std::uint64_t clusters = units_for(file_size_, geometry_.cluster_size());
  for (std::uint64_t n = 0; n < clusters; ++n) {
    VMLIFT_TRY(const std::uint64_t stored, stored_refcount(n));
    const std::uint64_t counted = references_.get(n);
    if (stored < counted) {
      corrupt("cluster {} has refcount {} and {} references", n, stored, counted);
    } else if (stored > counted) {
      ++report_.leaked_units;
      note(fmt::format("cluster {} is leaked: it has refcount {} and {} references", n, stored,
                       counted));
    }
  }
  return {};
}

/// COPIED says that the refcount is exactly 1; only in active tables it has to be right.
Result<void> Checker::check_copied_flags() {
  const auto check = [&](std::uint64_t word, std::uint64_t offset) -> Result<void> {
    if (offset >= file_size_ || !is_aligned(offset, geometry_.cluster_size())) return {};
    VMLIFT_TRY(const std::uint64_t stored, stored_refcount(offset >> geometry_.cluster_bits));
    if ((stored == 1) != ((word & kCopied) != 0)) {
      corrupt("entry {:#018x} has a wrong COPIED flag: the refcount is {}", word, stored);
    }
    return {};
  };
  VMLIFT_TRY(const Words l1, read_words(header_.l1_offset, header_.l1_size));
  for (const std::uint64_t entry : l1) {
    const std::uint64_t table = entry & kOffsetMask;
    if (table == 0 || !is_aligned(table, geometry_.cluster_size()) ||
        !within(table, geometry_.cluster_size(), file_size_)) {
      continue;
    }
    VMLIFT_CHECK(check(entry, table));
    if (geometry_.data_file) continue;
    VMLIFT_TRY(const Words l2, read_words(table, geometry_.l2_words()));
    for (std::size_t index = 0; index < l2.size(); index += geometry_.l2_stride()) {
      const std::uint64_t host = l2[index] & kOffsetMask;
      if (!(l2[index] & kCompressed) && host != 0) VMLIFT_CHECK(check(l2[index], host));
    }
  }
  return {};
}

Result<CheckReport> Checker::run(const SnapshotTable& snapshots,
                                 const std::vector<Bitmap>& bitmaps) {
  report_.total_units = geometry_.clusters();
  count(0, geometry_.cluster_size());
  VMLIFT_CHECK(count_l1(header_.l1_offset, header_.l1_size, true));
  for (const Snapshot& snapshot : snapshots.snapshots) {
    VMLIFT_CHECK(count_l1(snapshot.l1_offset, snapshot.l1_size, false));
  }
  count(header_.snapshots_offset, snapshots.length);
  VMLIFT_CHECK(count_bitmaps(bitmaps));
  VMLIFT_CHECK(count_refcount_blocks());
  VMLIFT_CHECK(compare());
  VMLIFT_CHECK(check_copied_flags());
  return std::move(report_);
}

}  // namespace

Result<CheckReport> check_image(const File& file, const Header& header,
                                const SnapshotTable& snapshots,
                                const std::vector<Bitmap>& bitmaps) {
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  return Checker(file, header, file_size).run(snapshots, bitmaps);
}

}  // namespace vmlift::qcow2
