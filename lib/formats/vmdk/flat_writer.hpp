// Writing the kinds whose extents are the guest's bytes as they are: monolithicFlat,
// twoGbMaxExtentFlat and vmfs.
#pragma once

#include <memory>
#include <string>

#include "formats/vmdk/create_options.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

/// `name`: the descriptor's file name, from which those of the extents are made.
Result<std::unique_ptr<DiskBackend>> create_flat(std::shared_ptr<TargetFile> file,
                                                 const NewImage& image, const std::string& name);

}  // namespace vmlift::vmdk
