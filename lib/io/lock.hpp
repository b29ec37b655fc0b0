// Locks as QEMU sets them on its images, so that vmlift and QEMU see each other.
#pragma once

#include <string>

#include "vmlift/error.hpp"

namespace vmlift {

/// Locks an open image for reading, or for writing in place, until the descriptor is closed. File
/// systems without locks are passed over. Errors: InUse when another process has the image open in
/// a way that does not go with it.
Result<void> lock_image(int descriptor, const std::string& path, bool writable);

}  // namespace vmlift
