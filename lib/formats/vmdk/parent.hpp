// The names that a descriptor gives: its extents' and its parent's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/vmdk/descriptor.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

/// Opens an extent by the name in UTF-8, or by its bytes as they are where a file has that name.
Result<std::shared_ptr<File>> open_named(References& references, const std::string& name,
                                         const std::string& encoding);

/// The parent that the descriptor names, or null where it has none. The hint may be a path of
/// the host that wrote it: then a file of that name beside the image is meant. Errors: those of
/// References, naming both CIDs; Corrupt when the file found is another disk, or was written to
/// after the child was made.
Result<std::unique_ptr<Disk>> open_parent(const OpenRequest& request, const Descriptor& descriptor,
                                          std::vector<std::string>& warnings);

}  // namespace vmlift::vmdk
