// COWD: the copy-on-write extents of ESX ("vmfsSparse"). Little-endian u32 throughout, grain
// tables of 4096 entries, grains as small as one sector.
#pragma once

#include "formats/vmdk/grain_map.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vmdk {

bool is_cowd(std::span<const std::byte> head);

/// The parent that the header names, or "" where there is none. Descriptors are the better
/// source: a root disk keeps its geometry in the same bytes.
Result<std::string> cowd_parent_name(const File& file);

/// Errors: BadHeader, UnsupportedVersion, Truncated, Limit.
Result<std::unique_ptr<GrainMap>> open_cowd_map(std::shared_ptr<File> file, const Limits& limits);

}  // namespace vmlift::vmdk
