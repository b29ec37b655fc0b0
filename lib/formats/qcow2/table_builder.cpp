#include "formats/qcow2/table_builder.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

// 256 GiB of guest at 64 KiB clusters.
constexpr std::size_t kResidentBytes = std::size_t{32} << 20;
constexpr std::size_t kLeastTables = 8;

void to_stored_order(std::span<std::uint64_t> words) {
  if constexpr (std::endian::native == std::endian::little) {
    for (std::uint64_t& word : words) word = byte_swap(word);
  }
}

}  // namespace

TableBuilder::TableBuilder(const Geometry& geometry, File& file, HostAllocator& allocator)
    : geometry_(geometry),
      file_(file),
      allocator_(allocator),
      capacity_(std::max(kLeastTables, kResidentBytes >> geometry.cluster_bits)) {}

Result<std::span<std::uint64_t>> TableBuilder::table(std::uint64_t l1_index) {
  const auto [slot, added] = slots_.try_emplace(l1_index);
  if (added) {
    slot->second.words.resize(geometry_.l2_words());
    ages_.push_front(l1_index);
    slot->second.age = ages_.begin();
    if (ages_.size() > capacity_) VMLIFT_CHECK(spill_oldest());
  }
  return use(l1_index, slot->second);
}

Result<std::span<std::uint64_t>> TableBuilder::existing(std::uint64_t l1_index) {
  const auto found = slots_.find(l1_index);
  if (found == slots_.end()) return std::span<std::uint64_t>{};
  return use(l1_index, found->second);
}

std::uint64_t TableBuilder::next_existing(std::uint64_t l1_index, std::uint64_t otherwise) const {
  const auto next = slots_.lower_bound(l1_index);
  return next == slots_.end() ? otherwise : std::min(next->first, otherwise);
}

Result<std::span<std::uint64_t>> TableBuilder::use(std::uint64_t l1_index, Slot& slot) {
  if (!slot.words.empty()) {
    ages_.splice(ages_.begin(), ages_, slot.age);
    return std::span(slot.words);
  }
  slot.words.resize(geometry_.l2_words());
  VMLIFT_CHECK(file_.read(slot.place, std::as_writable_bytes(std::span(slot.words))));
  to_stored_order(slot.words);
  ages_.push_front(l1_index);
  slot.age = ages_.begin();
  if (ages_.size() > capacity_) VMLIFT_CHECK(spill_oldest());
  return std::span(slot.words);
}

Result<void> TableBuilder::spill_oldest() {
  Slot& slot = slots_.at(ages_.back());
  if (slot.place == 0) slot.place = allocator_.take(1);
  to_stored_order(slot.words);
  VMLIFT_CHECK(file_.write(slot.place, std::as_bytes(std::span(slot.words))));
  std::vector<std::uint64_t>().swap(slot.words);
  ages_.pop_back();
  return {};
}

void TableBuilder::place_all() {
  for (auto& [index, slot] : slots_) {
    if (slot.place == 0) slot.place = allocator_.take(1);
  }
}

Result<void> TableBuilder::write_all() {
  // Tables that got their places together go out together.
  Bytes batch;
  std::uint64_t batch_at = 0;
  const auto flush = [&]() -> Result<void> {
    if (!batch.empty()) VMLIFT_CHECK(file_.write(batch_at, batch));
    batch.clear();
    return {};
  };
  for (auto& [index, slot] : slots_) {
    if (slot.words.empty()) continue;
    if (slot.place != batch_at + batch.size() || batch.size() >= 1 << 20) {
      VMLIFT_CHECK(flush());
      batch_at = slot.place;
    }
    to_stored_order(slot.words);
    const auto bytes = std::as_bytes(std::span(slot.words));
    batch.insert(batch.end(), bytes.begin(), bytes.end());
    std::vector<std::uint64_t>().swap(slot.words);
  }
  ages_.clear();
  return flush();
}

std::vector<std::uint64_t> TableBuilder::l1() const {
  std::vector<std::uint64_t> entries(geometry_.l1_entries());
  for (const auto& [index, slot] : slots_) entries[index] = slot.place | kCopied;
  to_stored_order(entries);
  return entries;
}

}  // namespace vmlift::qcow2
