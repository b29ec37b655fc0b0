// Bounds that a caller has set and that would be none.
#pragma once

#include "vmlift/limits.hpp"

namespace vmlift {

/// Errors: InvalidArgument for an io_timeout of no time or of more than a day.
Result<void> check_limits(const Limits& limits);

}  // namespace vmlift
