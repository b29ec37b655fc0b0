#include "formats/qcow2/refcount_store.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "base/fail.hpp"
#include "formats/qcow2/refcounts.hpp"

namespace vmlift::qcow2 {
namespace {

constexpr std::size_t kBlocksInMemory = 128;
constexpr std::uint64_t kTableFieldsAt = 48;  // of the header: offset, then clusters
constexpr std::uint64_t kTableLimit = std::uint64_t{8} << 20;  // QEMU's

}  // namespace

Result<std::unique_ptr<RefcountStore>> RefcountStore::load(std::shared_ptr<File> file,
                                                           Header& header) {
  std::unique_ptr<RefcountStore> store(new RefcountStore(std::move(file), header));
  store->table_.resize((std::uint64_t{header.refcount_table_clusters} << store->bits()) / 8);
  VMLIFT_TRY(const std::uint64_t file_size, store->file_->size());
  VMLIFT_CHECK(store->file_->read(header.refcount_table_offset,
                                  std::as_writable_bytes(std::span(store->table_))));
  for (std::uint64_t& entry : store->table_) {
    if constexpr (std::endian::native == std::endian::little) entry = byte_swap(entry);
    if (!is_aligned(entry, header.geometry.cluster_size()) ||
        (entry != 0 && !within(entry, header.geometry.cluster_size(), file_size))) {
      return fail(ErrorCode::Corrupt,
                  "the refcount block at {:#x} does not lie in the file: repair the image first, "
                  "with qemu-img check -r",
                  entry);
    }
  }
  return store;
}

/// Null where the block does not exist.
Result<RefcountStore::Block*> RefcountStore::block(std::uint64_t number) {
  if (number >= table_.size() || table_[number] == 0) return nullptr;
  const auto [found, added] = blocks_.try_emplace(number);
  if (added) {
    found->second.bytes.resize(header_.geometry.cluster_size());
    VMLIFT_CHECK(file_->read(table_[number], found->second.bytes));
  }
  return &found->second;
}

/// A block begins the range that it counts, and counts itself.
Result<RefcountStore::Block*> RefcountStore::new_block(std::uint64_t number) {
  if (number >= table_.size()) VMLIFT_CHECK(grow_table(number));
  if (table_[number] != 0) return block(number);
  Block& block = blocks_[number];
  block.bytes.assign(header_.geometry.cluster_size(), std::byte{0});
  store_refcount(block.bytes, 0, header_.refcount_order, 1);
  block.changed = true;
  table_[number] = number * refcounts_per_block(header_) << bits();
  table_changed_ = true;
  return &block;
}

/// A larger table, behind the first block that it has room for. It is in force when this returns.
Result<void> RefcountStore::grow_table(std::uint64_t number) {
  const std::uint64_t per_block = refcounts_per_block(header_);
  const std::uint64_t old_clusters = header_.refcount_table_clusters;
  const std::uint64_t clusters = std::min(old_clusters * 2, per_block - 1);
  const std::uint64_t entries = (clusters << bits()) / 8;
  if (number >= entries || (clusters << bits()) > kTableLimit) {
    return fail(ErrorCode::Limit, "the image cannot grow further with clusters of {} bytes",
                header_.geometry.cluster_size());
  }
  table_.resize(entries);
  VMLIFT_TRY(Block* const first, new_block(number));
  for (std::uint64_t n = 1; n <= clusters; ++n) {
    store_refcount(first->bytes, n, header_.refcount_order, 1);
  }
  const std::uint64_t old_offset = header_.refcount_table_offset;
  header_.refcount_table_offset = table_[number] + header_.geometry.cluster_size();
  header_.refcount_table_clusters = static_cast<std::uint32_t>(clusters);
  VMLIFT_CHECK(write_changed_blocks());
  VMLIFT_CHECK(write_table());
  VMLIFT_CHECK(file_->sync());
  std::array<std::byte, 12> fields;  // within one sector: old or new, never half
  store_be<std::uint64_t>(fields, 0, header_.refcount_table_offset);
  store_be<std::uint32_t>(fields, 8, header_.refcount_table_clusters);
  VMLIFT_CHECK(file_->write(kTableFieldsAt, fields));
  VMLIFT_CHECK(file_->sync());
  for (std::uint64_t n = 0; n < old_clusters; ++n) drop_later(old_offset + (n << bits()));
  return {};
}

Result<std::uint64_t> RefcountStore::take() {
  const std::uint64_t per_block = refcounts_per_block(header_);
  for (;; ++next_) {
    VMLIFT_TRY(Block * here, block(next_ / per_block));
    if (here == nullptr) {
      VMLIFT_TRY(here, new_block(next_ / per_block));
    }
    if (load_refcount(here->bytes, next_ % per_block, header_.refcount_order) != 0) continue;
    store_refcount(here->bytes, next_ % per_block, header_.refcount_order, 1);
    here->changed = true;
    return next_++ << bits();
  }
}

Result<void> RefcountStore::write_changed_blocks() {
  for (auto& [number, block] : blocks_) {
    if (!block.changed) continue;
    VMLIFT_CHECK(file_->write(table_[number], block.bytes));
    block.changed = false;
  }
  if (blocks_.size() > kBlocksInMemory) blocks_.clear();
  return {};
}

Result<void> RefcountStore::write_table() {
  std::vector<std::uint64_t> stored = table_;
  if constexpr (std::endian::native == std::endian::little) {
    for (std::uint64_t& entry : stored) entry = byte_swap(entry);
  }
  table_changed_ = false;
  return file_->write(header_.refcount_table_offset, std::as_bytes(std::span(stored)));
}

Result<void> RefcountStore::save() {
  VMLIFT_CHECK(write_changed_blocks());
  if (!table_changed_) return {};
  VMLIFT_CHECK(file_->sync());  // the table points to the blocks
  return write_table();
}

Result<void> RefcountStore::drop_all() {
  if (drops_.empty()) return {};
  const std::uint64_t per_block = refcounts_per_block(header_);
  ExtentSet freed;
  std::ranges::sort(drops_);
  for (const std::uint64_t cluster : drops_) {
    VMLIFT_TRY(Block* const here, block(cluster / per_block));
    const std::uint64_t count =
        here ? load_refcount(here->bytes, cluster % per_block, header_.refcount_order) : 0;
    if (count == 0) {
      return fail(ErrorCode::Corrupt,
                  "cluster {} was in use and has refcount 0: the refcounts "
                  "are wrong, repair the image with qemu-img check -r",
                  cluster);
    }
    store_refcount(here->bytes, cluster % per_block, header_.refcount_order, count - 1);
    here->changed = true;
    if (count == 1) {
      freed.add({cluster << bits(), header_.geometry.cluster_size()});
      next_ = std::min(next_, cluster);
    }
  }
  drops_.clear();
  VMLIFT_CHECK(write_changed_blocks());
  for (const Extent& extent : freed) VMLIFT_CHECK(file_->zero(extent));
  return file_->sync();
}

}  // namespace vmlift::qcow2
