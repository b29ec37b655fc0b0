#include "formats/qcow2/packer.hpp"

#include <algorithm>
#include <utility>

namespace vmlift::qcow2 {
namespace {
constexpr std::uint64_t kBatchBytes = std::uint64_t{1} << 20;
// Plain clusters in between end a run of compressed ones: long runs, few ends that waste room.
constexpr std::uint64_t kReserveBytes = std::uint64_t{2} << 20;
}  // namespace

Packer::Packer(const Geometry& geometry, HostAllocator& allocator, std::uint64_t max_refcount)
    : geometry_(geometry),
      allocator_(allocator),
      max_refcount_(max_refcount),
      reserve_clusters_(std::max<std::uint64_t>(2, kReserveBytes >> geometry.cluster_bits)),
      buffers_([cluster_size = geometry.cluster_size()] {
        auto buffer = std::make_unique<Bytes>();
        buffer->reserve(kBatchBytes + 2 * cluster_size);
        return buffer;
      }),
      pending_(buffers_.lease()) {}

void Packer::reserve_for(std::uint64_t length, std::optional<Batch>& due) {
  // Counts only grow while a run is packed, so a full cluster is the one that `at_` is in.
  if (at_ % geometry_.cluster_size() != 0 &&
      allocator_.tally().get(at_ >> geometry_.cluster_bits) >= max_refcount_) {
    const std::uint64_t next = round_up(at_, geometry_.cluster_size());
    pending_->resize(pending_->size() + (next - at_));
    at_ = next;
  }
  if (at_ + length <= end_) return;
  const std::uint64_t begin = allocator_.reserve(reserve_clusters_);
  if (begin != end_) {
    due = take_pending();
    at_ = pending_at_ = begin;
  }
  end_ = begin + (reserve_clusters_ << geometry_.cluster_bits);
}

std::uint64_t Packer::add(std::span<const std::byte> payload, std::optional<Batch>& due) {
  reserve_for(payload.size(), due);
  const std::uint64_t place = at_;
  at_ += payload.size();
  pending_->insert(pending_->end(), payload.begin(), payload.end());
  for (std::uint64_t n = place >> geometry_.cluster_bits; n <= (at_ - 1) >> geometry_.cluster_bits;
       ++n) {
    allocator_.tally().add(n);
  }
  if (!due && pending_->size() >= kBatchBytes) due = take_pending();
  return place;
}

std::optional<Packer::Batch> Packer::take_pending() {
  if (pending_->empty()) return std::nullopt;
  std::optional<Batch> batch({pending_at_, std::move(pending_)});
  pending_ = buffers_.lease();
  pending_->clear();
  pending_at_ = at_;
  return batch;
}

void Packer::finish() {
  if (end_ != 0 && allocator_.end() == end_) {
    allocator_.shrink_to(round_up(at_, geometry_.cluster_size()));
  }
  end_ = at_;
}

}  // namespace vmlift::qcow2
