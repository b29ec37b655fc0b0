#include "formats/qcow2/refcounts.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::qcow2 {

std::uint64_t load_refcount(std::span<const std::byte> block, std::uint64_t index, unsigned order) {
  switch (order) {
    case 3:
      return load_be<std::uint8_t>(block, index);
    case 4:
      return load_be<std::uint16_t>(block, index * 2);
    case 5:
      return load_be<std::uint32_t>(block, index * 4);
    case 6:
      return load_be<std::uint64_t>(block, index * 8);
    default: {
      const unsigned bits = 1u << order;
      const std::uint64_t bit = index * bits;
      return load_be<std::uint8_t>(block, bit / 8) >> (bit % 8) & ((1u << bits) - 1);
    }
  }
}

void store_refcount(std::span<std::byte> block, std::uint64_t index, unsigned order,
                    std::uint64_t count) {
  switch (order) {
    case 3:
      return store_be(block, index, static_cast<std::uint8_t>(count));
    case 4:
      return store_be(block, index * 2, static_cast<std::uint16_t>(count));
    case 5:
      return store_be(block, index * 4, static_cast<std::uint32_t>(count));
    case 6:
      return store_be(block, index * 8, count);
    default: {
      const unsigned bits = 1u << order;
      const std::uint64_t bit = index * bits;
      const unsigned shift = bit % 8;
      const unsigned mask = ((1u << bits) - 1) << shift;
      const unsigned rest = load_be<std::uint8_t>(block, bit / 8) & ~mask;
      store_be(block, bit / 8,
               static_cast<std::uint8_t>(rest | (static_cast<unsigned>(count) << shift & mask)));
    }
  }
}

RefcountPlan plan_refcounts(const Header& header, std::uint64_t first_cluster) {
  // The blocks count themselves, so their number grows until it covers its own growth.
  RefcountPlan plan{first_cluster, 0, 1};
  while (true) {
    const std::uint64_t blocks = units_for(plan.end_cluster(), refcounts_per_block(header));
    const std::uint64_t tables =
        std::max<std::uint64_t>(1, units_for(blocks * 8, header.geometry.cluster_size()));
    if (blocks == plan.blocks && tables == plan.table_clusters) return plan;
    plan.blocks = blocks;
    plan.table_clusters = tables;
  }
}

Result<void> write_refcounts(File& file, const Header& header, const RefcountPlan& plan,
                             const RefcountTally& tally) {
  const std::uint64_t cluster_size = header.geometry.cluster_size();
  const std::uint64_t per_block = refcounts_per_block(header);
  // Many blocks with one write.
  const std::uint64_t batch = std::max<std::uint64_t>(1, (std::uint64_t{1} << 20) / cluster_size);
  Bytes buffer;
  for (std::uint64_t block = 0; block < plan.blocks; block += batch) {
    const std::uint64_t here = std::min(batch, plan.blocks - block);
    buffer.assign(here * cluster_size, std::byte{0});
    const std::uint64_t first = block * per_block;
    const std::uint64_t count = std::min(here * per_block, tally.end() - first);
    // Blocks follow each other without a gap: their refcounts are one array.
    for (std::uint64_t index = 0; index < count; ++index) {
      if (const auto refcount = tally.get(first + index)) {
        store_refcount(buffer, index, header.refcount_order, refcount);
      }
    }
    VMLIFT_CHECK(file.write((plan.first_cluster + block) * cluster_size, buffer));
  }
  Bytes table(plan.table_clusters * cluster_size);
  for (std::uint64_t block = 0; block < plan.blocks; ++block) {
    store_be<std::uint64_t>(table, block * 8, (plan.first_cluster + block) * cluster_size);
  }
  return file.write((plan.first_cluster + plan.blocks) * cluster_size, table);
}

}  // namespace vmlift::qcow2
