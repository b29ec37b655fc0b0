// From guest offsets to what stands behind them.
#pragma once

#include <cstdint>
#include <span>

#include "formats/qcow2/layout.hpp"
#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"

namespace vmlift::qcow2 {

enum class RunKind : std::uint8_t {
  unallocated,  ///< the parent's bytes, or zeros without one
  zero,         ///< zeros, whatever the parent holds
  plain,        ///< stored at `host`
  compressed,   ///< one whole cluster, stored at `packed`
};

/// Guest bytes of one kind; of a plain run the host bytes are contiguous too.
struct Run {
  std::uint64_t offset = 0;  // in the guest
  std::uint64_t length = 0;
  RunKind kind = RunKind::unallocated;
  std::uint64_t host = 0;  // plain: where `offset` lies; zero: where room is kept, or 0
  PackedPlace packed;      // compressed

  std::uint64_t end() const { return offset + length; }
};

/// The run that begins at guest offset `offset` and ends at `end` or earlier, as an L2 table says;
/// `end` lies within what the table maps. A compressed run is the part of one cluster. Errors:
/// Corrupt, with the guest's offset.
Result<Run> run_in_table(const Geometry& geometry, std::span<const std::uint64_t> words,
                         std::uint64_t offset, std::uint64_t end);

}  // namespace vmlift::qcow2
