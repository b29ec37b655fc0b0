// Writing a streamOptimized image in one ascending pass: grains behind their markers, each
// table behind its grains, the directory and the footer at the end, and nothing after them.
#pragma once

#include <memory>
#include <string>

#include "formats/vmdk/create_options.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

/// `name`: the file's own, for the descriptor.
std::unique_ptr<DiskBackend> create_stream(std::shared_ptr<TargetFile> file, const NewImage& image,
                                           std::string name);

}  // namespace vmlift::vmdk
