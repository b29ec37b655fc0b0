// seSparse: the space-efficient extents of ESXi. Little-endian u64 throughout, grains of 4 KiB,
// tables of 4096 entries. VMware does not document it; the layout is known from the field.
#pragma once

#include "formats/vmdk/grain_map.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vmdk {

bool is_se_sparse(std::span<const std::byte> head);

/// Errors: BadHeader, UnsupportedVersion, UnsupportedFeature (a journal to replay), Truncated,
/// Limit.
Result<std::unique_ptr<GrainMap>> open_se_sparse_map(std::shared_ptr<File> file,
                                                     const Limits& limits);

}  // namespace vmlift::vmdk
