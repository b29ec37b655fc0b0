// Names of results: from names in a definition, which are hostile, to plain file names that are
// all different.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace vmlift {

class TargetNames {
 public:
  /// A file name made of `stem` and `extension` (with its dot) that was not given out before.
  std::string take(std::string_view stem, std::string_view extension);

 private:
  std::set<std::string> taken_;  // in lower case: some file systems know no other
};

/// `name` as one component of a path: no separators, control or shell characters, no leading dot
/// or dash, at most 200 bytes, never empty.
std::string plain_file_name(std::string_view name);

/// The file name of a source, whatever it is a path of.
std::string_view stem_of_source(std::string_view source);

}  // namespace vmlift
