// A block device as a target. It has its name from the start, so it cannot be absent until it is
// complete; instead its first MiB is held back (held_head.hpp) and written last: until then
// opening it is Incomplete.
#pragma once

#include <memory>
#include <string>

#include "vmlift/format.hpp"

namespace vmlift {

bool is_block_device(const std::string& path);

/// Errors: Exists without `overwrite`; InUse when it is mounted or held by anybody (O_EXCL).
Result<std::shared_ptr<TargetFile>> open_device_target(const std::string& path, bool overwrite);

}  // namespace vmlift
