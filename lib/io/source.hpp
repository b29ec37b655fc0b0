// Opening what the caller names: a path, or PACKAGE!MEMBER for a member of an archive read in
// place. What is named .gz, .xz or .zst is seen expanded.
#pragma once

#include <memory>
#include <string>

#include "vmlift/disk.hpp"
#include "vmlift/file.hpp"

namespace vmlift {

/// Errors: NotFound, Permission, InvalidArgument for a folder, FIFO or character device; InUse
/// while QEMU writes to it.
Result<std::shared_ptr<File>> open_source(const std::string& location, bool writable,
                                          const Limits& limits);

}  // namespace vmlift
