// The files of a new image of several files: their sizes and names.
#pragma once

#include <string>
#include <vector>

#include "formats/vmdk/descriptor_writer.hpp"

namespace vmlift::vmdk {

/// The extents of `image` whose descriptor is in the file `name` ("disk.vmdk"): "disk-flat.vmdk",
/// or "disk-s001.vmdk", "disk-s002.vmdk", ... Errors: InvalidArgument for a name that a
/// descriptor cannot hold.
Result<std::vector<ListedExtent>> extent_layout(const NewImage& image, const std::string& name);

}  // namespace vmlift::vmdk
