// Refcounts in memory, of an image that is being written or checked: chunks that are all zeros or
// all ones take no room.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace vmlift::qcow2 {

class RefcountTally {
 public:
  using Count = std::uint32_t;

  Count get(std::uint64_t cluster) const;
  void set(std::uint64_t cluster, Count count);
  void set(std::uint64_t first, std::uint64_t clusters, Count count) {
    for (std::uint64_t n = first; n < first + clusters; ++n) set(n, count);
  }
  void add(std::uint64_t cluster) { set(cluster, get(cluster) + 1); }
  void drop(std::uint64_t cluster) { set(cluster, get(cluster) - 1); }
  /// One more than the highest cluster with a count.
  std::uint64_t end() const { return end_; }

 private:
  static constexpr std::uint64_t kChunk = 4096;
  struct Chunk {
    std::unique_ptr<Count[]> counts;  // null: all are `uniform`
    Count uniform = 0;
    std::uint32_t ones = 0;
  };
  std::vector<Chunk> chunks_;
  std::uint64_t end_ = 0;
};

}  // namespace vmlift::qcow2
