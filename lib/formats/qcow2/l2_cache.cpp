#include "formats/qcow2/l2_cache.hpp"

#include <algorithm>
#include <span>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {
// 128 GiB of guest at 64 KiB clusters; a copy in order needs far less.
constexpr std::uint64_t kCacheBytes = std::uint64_t{16} << 20;
constexpr std::size_t kLeastTables = 4;
}  // namespace

L2Cache::L2Cache(std::shared_ptr<File> file, const Geometry& geometry, std::uint64_t data_file_size,
                 HostClaims* data_claims)
    : file_(std::move(file)),
      geometry_(geometry),
      data_file_size_(data_file_size),
      data_claims_(data_claims),
      capacity_(std::max<std::size_t>(kLeastTables, kCacheBytes >> geometry.cluster_bits)) {}

Result<std::shared_ptr<L2Table>> L2Cache::get(std::uint64_t offset, std::uint64_t guest_offset) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = slots_.find(offset); found != slots_.end()) {
      ages_.splice(ages_.begin(), ages_, found->second.age);
      return found->second.table;
    }
  }
  auto table = std::make_shared<L2Table>(geometry_.l2_words());
  VMLIFT_CHECK(file_->read(offset, std::as_writable_bytes(std::span(*table))));
  if constexpr (std::endian::native == std::endian::little) {
    for (std::uint64_t& word : *table) word = byte_swap(word);
  }
  std::lock_guard lock(mutex_);
  if (const auto found = slots_.find(offset); found != slots_.end()) return found->second.table;
  const std::uint64_t number = offset >> geometry_.cluster_bits;
  if (data_claims_ != nullptr && !claimed_.contains(number)) {
    VMLIFT_CHECK(claim_table(*data_claims_, geometry_, *table, guest_offset, data_file_size_));
    claimed_.insert(number);
  }
  ages_.push_front(offset);
  slots_.emplace(offset, Slot{table, ages_.begin(), false});
  shrink();
  return table;
}

void L2Cache::pin(std::uint64_t offset, std::shared_ptr<L2Table> table) {
  std::lock_guard lock(mutex_);
  claimed_.insert(offset >> geometry_.cluster_bits);
  auto [slot, added] = slots_.try_emplace(offset);
  if (added) {
    ages_.push_front(offset);
    slot->second.age = ages_.begin();
  }
  slot->second.table = std::move(table);
  slot->second.pinned = true;
}

void L2Cache::unpin_all() {
  std::lock_guard lock(mutex_);
  for (auto& [offset, slot] : slots_) slot.pinned = false;
  shrink();
}

void L2Cache::shrink() {
  for (auto age = ages_.end(); slots_.size() > capacity_ && age != ages_.begin();) {
    --age;
    const auto found = slots_.find(*age);
    if (found->second.pinned) continue;
    slots_.erase(found);
    age = ages_.erase(age);
  }
}

}  // namespace vmlift::qcow2
