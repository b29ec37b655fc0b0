// What this build was made without: the door is there, and says what is missing.
#pragma once

#include <string_view>

#include "base/fail.hpp"

namespace vmlift {

/// UnsupportedFeature, for all that needs `library`, whose headers were absent.
inline std::unexpected<Error> left_out(std::string_view feature, std::string_view library) {
  return fail(ErrorCode::UnsupportedFeature,
              "this vmlift was built without {}; build it where {}'s headers are (the package "
              "{}-dev)",
              feature, library, library);
}

}  // namespace vmlift
