// Opening what the caller names: a path, PACKAGE!MEMBER for a member of an archive read in place, a
// pipe, or "-" for standard input. What is named .gz, .xz or .zst is seen expanded.
#pragma once

#include <memory>
#include <string>

#include "io/input_stream.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/file.hpp"

namespace vmlift {

struct SourceOptions {
  bool writable = false;
  bool allow_in_use = false;  ///< see OpenPolicy
  bool allow_pipes = false;   ///< FIFOs, sockets and "-" too
  Limits limits{};
  StreamWatch watch{};
};

/// Errors: NotFound, Permission, InvalidArgument for a folder or character device; InUse while
/// QEMU writes to it.
Result<std::shared_ptr<File>> open_source(const std::string& location,
                                          const SourceOptions& options = {});
/// What a disk's OpenOptions ask of its file.
SourceOptions source_options(const OpenOptions& options);

}  // namespace vmlift
