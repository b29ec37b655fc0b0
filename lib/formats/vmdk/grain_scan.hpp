// Reading a stream by its markers alone: what is left of a stream whose directory is lost, for
// a caller who asked for damaged images to be opened.
#pragma once

#include <memory>

#include "formats/vmdk/grain_map.hpp"
#include "formats/vmdk/sparse_header.hpp"

namespace vmlift::vmdk {

/// Goes through the markers from the first grain on and maps every grain that is whole. What
/// came after the point where the file ends or makes no sense is absent; warnings() says where
/// that is. Errors: UnsupportedFeature for an extent without markers, Limit, Io.
Result<std::unique_ptr<GrainMap>> scan_stream(std::shared_ptr<File> file,
                                              const SparseHeader& header, const Limits& limits);

}  // namespace vmlift::vmdk
