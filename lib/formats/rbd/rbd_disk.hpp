// An RBD image, snapshot or clone as a disk, and the target that has its name only when it is
// complete.
#pragma once

#include <memory>

#include "vmlift/format.hpp"

namespace vmlift::rbd {

Result<std::unique_ptr<DiskBackend>> open_image(const OpenRequest& request);
Result<std::unique_ptr<DiskBackend>> create_image(const CreateRequest& request);
Result<void> check_target(const CreateRequest& request);

}  // namespace vmlift::rbd
