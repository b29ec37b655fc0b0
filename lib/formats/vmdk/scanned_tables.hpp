// Grain tables put together from the markers of a stream.
#pragma once

#include <map>
#include <memory>

#include "formats/vmdk/grain_map.hpp"
#include "formats/vmdk/sparse_header.hpp"

namespace vmlift::vmdk {

/// The geometry of a stream with that header.
inline GrainGeometry stream_geometry(const SparseHeader& header) {
  return {.capacity = header.capacity_bytes(),
          .grain_bytes = header.grain_bytes(),
          .grains_per_table = header.table_entries,
          .compressed = true};
}

/// One thread at a time. A table that was given away may still get grains.
class ScannedTables {
 public:
  /// `memory`: the most bytes the tables may take.
  ScannedTables(const GrainGeometry& geometry, std::uint64_t memory)
      : geometry_(geometry), memory_(memory) {}

  /// Notes that a grain's marker stands at `place`. Errors: Limit.
  Result<void> keep(std::uint64_t grain, std::uint64_t place);

  /// Null: none of its grains was found.
  GrainTablePtr at(std::uint64_t index) const;
  /// The first table from `index` on that has grains; table_count(): none.
  std::uint64_t next(std::uint64_t index) const;

 private:
  GrainGeometry geometry_;
  std::uint64_t memory_;
  std::map<std::uint64_t, std::shared_ptr<GrainTable>> tables_;
};

}  // namespace vmlift::vmdk
