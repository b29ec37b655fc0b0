// Refcount tables and blocks as they are stored.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/refcount_tally.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

/// The refcount at `index` of a block: big-endian, widths below a byte from the lowest bit on.
std::uint64_t load_refcount(std::span<const std::byte> block, std::uint64_t index, unsigned order);
void store_refcount(std::span<std::byte> block, std::uint64_t index, unsigned order,
                    std::uint64_t count);

/// Refcounts in one block.
inline std::uint64_t refcounts_per_block(const Header& header) {
  return header.geometry.cluster_size() * 8 >> header.refcount_order;
}

/// The highest refcount that the width holds.
inline std::uint64_t max_refcount(const Header& header) {
  return header.refcount_order == 6 ? ~std::uint64_t{0}
                                    : (std::uint64_t{1} << header.refcount_bits()) - 1;
}

/// Where the refcount structures of an image written in one go lie: blocks, then the table, both
/// behind everything else and counted in it.
struct RefcountPlan {
  std::uint64_t first_cluster = 0;
  std::uint64_t blocks = 0;
  std::uint64_t table_clusters = 0;
  std::uint64_t end_cluster() const { return first_cluster + blocks + table_clusters; }
};
RefcountPlan plan_refcounts(const Header& header, std::uint64_t first_cluster);

/// Writes blocks and table; the tally covers the plan's own clusters already.
Result<void> write_refcounts(File& file, const Header& header, const RefcountPlan& plan,
                             const RefcountTally& tally);

}  // namespace vmlift::qcow2
