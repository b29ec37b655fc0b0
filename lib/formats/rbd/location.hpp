// rbd:POOL/IMAGE[@SNAP], taken apart. It names an image and nothing else.
#pragma once

#include <string>

#include "vmlift/error.hpp"

namespace vmlift::rbd {

struct Location {
  std::string pool{};
  std::string name_space{};  ///< of rbd:POOL/NAMESPACE/IMAGE; mostly empty
  std::string image{};
  std::string snapshot{};  ///< empty: the image as it is now
};

/// Errors: ReferenceDenied for options behind a colon: a configuration, a user and a keyring
/// come from the caller, never from a name. InvalidArgument for anything else.
Result<Location> parse_location(const std::string& text);

}  // namespace vmlift::rbd
