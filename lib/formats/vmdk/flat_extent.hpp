// Extents without tables: FLAT and VMFS are the guest's bytes in a file, ZERO and NOACCESS are
// no bytes at all.
#pragma once

#include <memory>

#include "formats/vmdk/extent_reader.hpp"
#include "vmlift/file.hpp"

namespace vmlift::vmdk {

/// The guest's bytes at `offset` of `file`. Errors: Truncated when the file does not hold them.
Result<std::unique_ptr<ExtentReader>> open_flat_extent(std::shared_ptr<File> file,
                                                       std::uint64_t offset, std::uint64_t length);

std::unique_ptr<ExtentReader> zero_extent();

}  // namespace vmlift::vmdk
