// Creating a VMDK of any kind that can be created.
#pragma once

#include "vmlift/format.hpp"

namespace vmlift::vmdk {

Result<std::unique_ptr<DiskBackend>> create_vmdk(const CreateRequest& request);

}  // namespace vmlift::vmdk
