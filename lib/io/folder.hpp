// A folder in which names found in an image are looked up without ever leaving it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "vmlift/file.hpp"

namespace vmlift {

class Folder {
 public:
  virtual ~Folder() = default;
  /// Opens a regular file by a relative name, for reading. Errors: ReferenceDenied for a name
  /// that leads out (`..`, an absolute path, a link out of the folder) or is no regular file;
  /// NotFound.
  virtual Result<std::shared_ptr<File>> open(std::string_view name) const = 0;
};

/// A folder of the operating system, named by the caller. Every open goes through
/// openat2(RESOLVE_BENEATH), or a walk of its components where the kernel is older.
class HostFolder : public Folder {
 public:
  /// `allow_in_use`: see OpenPolicy.
  explicit HostFolder(std::string path, bool allow_in_use = false)
      : path_(std::move(path)), allow_in_use_(allow_in_use) {}
  Result<std::shared_ptr<File>> open(std::string_view name) const override;

 private:
  std::string path_;
  bool allow_in_use_;
};

/// The folder in which names found in `file` are looked up.
std::shared_ptr<const Folder> folder_around(const File& file, bool allow_in_use = false);

/// The folder part of a path: "." for a bare name.
std::string folder_of(std::string_view path);
/// The last component of a path.
std::string_view base_name(std::string_view path);

}  // namespace vmlift
