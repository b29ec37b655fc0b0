// An NBD export as a disk: read, written in place, or a target that is marked incomplete until
// its end.
#pragma once

#include <memory>

#include "vmlift/format.hpp"

namespace vmlift::nbd {

Result<std::unique_ptr<DiskBackend>> open_export(const OpenRequest& request);
Result<std::unique_ptr<DiskBackend>> create_on_export(const CreateRequest& request);
Result<void> check_target(const CreateRequest& request);

}  // namespace vmlift::nbd
