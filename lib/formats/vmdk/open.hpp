// Opening a VMDK, whichever of its kinds the file is.
#pragma once

#include "vmlift/format.hpp"

namespace vmlift::vmdk {

/// Whether `head` begins a sparse extent, a COWD or seSparse extent, or a descriptor.
bool probe_vmdk(std::span<const std::byte> head);

Result<std::unique_ptr<DiskBackend>> open_vmdk(const OpenRequest& request);

}  // namespace vmlift::vmdk
