// Reading a stream while it arrives: through a pipe, or out of a decompressor.
#pragma once

#include <memory>

#include "formats/vmdk/grain_map.hpp"
#include "formats/vmdk/sparse_header.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::vmdk {

/// Learns where grains are from their markers, as far as somebody asks, so that a copy runs
/// beside the download. At the end the grain directory must say what was seen. With
/// `allow_corrupt` a stream that breaks off gives what came, and warnings() says where it ended.
/// Errors, while it is read: Truncated; Corrupt where a marker makes no sense or the directory
/// says otherwise; UnsupportedFeature for grains that do not come in ascending order.
std::unique_ptr<GrainMap> open_arriving_map(std::shared_ptr<File> file, const SparseHeader& header,
                                            const OpenOptions& options);

}  // namespace vmlift::vmdk
