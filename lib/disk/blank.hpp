// A disk that holds nothing: the source of a target that is to begin empty. So it is copied like
// any other, with progress, in bounds, and over whatever the target held.
#pragma once

#include <memory>

#include "vmlift/disk.hpp"

namespace vmlift {

/// `size` bytes that read as zeros.
std::unique_ptr<Disk> blank_disk(std::uint64_t size);

}  // namespace vmlift
