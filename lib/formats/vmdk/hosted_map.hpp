// The grain directory and grain tables of a hosted sparse extent: u32 sector numbers, with a
// redundant copy that stands in where the first is damaged.
#pragma once

#include "formats/vmdk/grain_map.hpp"
#include "formats/vmdk/sparse_header.hpp"

namespace vmlift::vmdk {

/// `header` has its directory's true place (a stream's comes from the footer).
/// Errors: Truncated, Limit, BadHeader.
Result<std::unique_ptr<GrainMap>> open_hosted_map(std::shared_ptr<File> file,
                                                  const SparseHeader& header, const Limits& limits);

/// Finds the footer of a stream whose header says that the directory is at the end, and takes
/// the directory's place from it. Errors: Truncated without a footer, Corrupt where header and
/// footer disagree.
Result<void> read_footer(const File& file, SparseHeader& header, const Limits& limits);

}  // namespace vmlift::vmdk
