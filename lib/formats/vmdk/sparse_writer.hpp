// Writing monolithicSparse and twoGbMaxExtentSparse: grains in the order in which they are first
// written, tables laid out before them as VMware does.
#pragma once

#include <memory>
#include <string>

#include "formats/vmdk/create_options.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

Result<std::unique_ptr<DiskBackend>> create_sparse(std::shared_ptr<TargetFile> file,
                                                   const NewImage& image, const std::string& name);

}  // namespace vmlift::vmdk
