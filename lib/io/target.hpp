// Targets that are complete or absent: a file without a name (O_TMPFILE) gets its final name
// only when it is whole and flushed. Where the file system has no O_TMPFILE, a hidden
// `.NAME.partial-RANDOM` stands in and is removed when the target is given up.
#pragma once

#include <memory>
#include <string>

#include "vmlift/format.hpp"

namespace vmlift {

/// A block device is written in place; see device_target.hpp.
/// Errors: Exists without `overwrite`, NotFound for the folder, Permission, NoSpace.
Result<std::shared_ptr<TargetFile>> create_target(const std::string& path, bool overwrite);

/// Whether nothing is at `path`, or it may be replaced: for a plan, create_target() looks again.
/// Errors: Exists.
Result<void> check_vacant(const std::string& path, bool overwrite);

/// Writes a small file whole: create_target, content, publish.
Result<void> write_whole(const std::string& path, std::span<const std::byte> content,
                         bool overwrite);

}  // namespace vmlift
