#include "formats/qcow2/refcount_tally.hpp"

#include <algorithm>

namespace vmlift::qcow2 {

RefcountTally::Count RefcountTally::get(std::uint64_t cluster) const {
  const std::uint64_t number = cluster / kChunk;
  if (number >= chunks_.size()) return 0;
  const Chunk& chunk = chunks_[number];
  return chunk.counts ? chunk.counts[cluster % kChunk] : chunk.uniform;
}

void RefcountTally::set(std::uint64_t cluster, Count count) {
  const std::uint64_t number = cluster / kChunk;
  if (number >= chunks_.size()) {
    if (count == 0) return;
    chunks_.resize(number + 1);
  }
  Chunk& chunk = chunks_[number];
  if (!chunk.counts) {
    if (chunk.uniform == count) return;
    chunk.counts = std::make_unique<Count[]>(kChunk);
    std::fill_n(chunk.counts.get(), kChunk, chunk.uniform);
    chunk.ones = chunk.uniform == 1 ? kChunk : 0;
  }
  Count& slot = chunk.counts[cluster % kChunk];
  chunk.ones -= slot == 1;
  chunk.ones += count == 1;
  slot = count;
  if (chunk.ones == kChunk) {
    chunk.counts.reset();
    chunk.uniform = 1;
  }
  if (count != 0) end_ = std::max(end_, cluster + 1);
}

}  // namespace vmlift::qcow2
