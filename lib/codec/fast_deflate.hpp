// DEFLATE at several times the speed of other compressors for an output a tenth larger, over
// ISA-L. One object for one thread, kept for many units.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace vmlift {

class FastDeflater {
 public:
  FastDeflater();

  /// Deflates `plain` into `out`; returns the stream's length, or nothing when it does not fit.
  std::optional<std::size_t> deflate(std::span<const std::byte> plain, std::span<std::byte> out);

 private:
  Bytes working_memory_;
};

}  // namespace vmlift
