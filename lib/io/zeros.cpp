#include "io/zeros.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift {

Result<void> write_zeros(File& file, Extent extent) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  const Bytes zeros(std::min(extent.length, kStep));
  while (!extent.empty()) {
    const std::uint64_t step = std::min(extent.length, kStep);
    VMLIFT_CHECK(file.write(extent.offset, std::span(zeros).first(step)));
    extent.offset += step;
    extent.length -= step;
  }
  return {};
}

}  // namespace vmlift
