// Zeros that take their room: where a hole would give back what is set aside.
#pragma once

#include "vmlift/file.hpp"

namespace vmlift {

/// Writes zeros into the range.
Result<void> write_zeros(File& file, Extent extent);

}  // namespace vmlift
