// Host clusters of an image that is written in one go: always the next ones, each counted.
#pragma once

#include <cstdint>

#include "formats/qcow2/layout.hpp"
#include "formats/qcow2/refcount_tally.hpp"

namespace vmlift::qcow2 {

class HostAllocator {
 public:
  explicit HostAllocator(const Geometry& geometry) : geometry_(geometry) {
    tally_.set(0, 1);  // the header
  }

  /// The offset of `clusters` clusters in a row, each in use once.
  std::uint64_t take(std::uint64_t clusters) {
    tally_.set(next_, clusters, 1);
    return reserve(clusters);
  }
  /// The same, in use by nobody yet.
  std::uint64_t reserve(std::uint64_t clusters) {
    const std::uint64_t first = next_;
    next_ += clusters;
    return first << geometry_.cluster_bits;
  }
  /// Gives back what lies behind `offset`, the begin of a cluster nobody uses.
  void shrink_to(std::uint64_t offset) { next_ = offset >> geometry_.cluster_bits; }

  std::uint64_t next_cluster() const { return next_; }
  std::uint64_t end() const { return next_ << geometry_.cluster_bits; }
  RefcountTally& tally() { return tally_; }

 private:
  const Geometry& geometry_;
  std::uint64_t next_ = 1;
  RefcountTally tally_;
};

}  // namespace vmlift::qcow2
