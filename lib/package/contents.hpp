// What an opened package consists of: the definition's text and the folder, on the host or in an
// archive, in which its other files are looked up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "vmlift/package.hpp"

namespace vmlift {

struct Contents {
  std::string location;  ///< the archive's or the definition's
  std::string definition_name;
  std::string definition_text;
  std::shared_ptr<const Folder> folder;
  bool archive = false;
  std::string inside;              ///< the definition's folder in the archive: "" or "web/"
  std::vector<PackageFile> files;  ///< of an archive, relative to `folder`

  /// The location of a file of the package, as open_disk takes it.
  std::string location_of(std::string_view name) const;
};

/// Errors: those of Package::open that are not about the definition's meaning.
Result<Contents> open_contents(const std::string& location, const Limits& limits);

/// The whole of a small file as text. Errors: Limit above `limit` bytes.
Result<std::string> read_text(const File& file, std::uint64_t limit);

/// Whether `name` ends in `extension` (with its dot), in any case.
bool has_extension(std::string_view name, std::string_view extension);
/// The name without its extension.
std::string_view stem_of(std::string_view name);

}  // namespace vmlift
