// A format that was left out of this build: known, listed, and every use of it says what is
// missing.
#pragma once

#include "base/fail.hpp"
#include "vmlift/format.hpp"

namespace vmlift {

struct Missing {
  std::string_view format;
  std::string_view headers;
  std::string_view package;
};

template <const Missing& missing>
struct LeftOut {
  static std::unexpected<Error> answer() {
    return fail(ErrorCode::UnsupportedFeature,
                "this vmlift was built without {}; build it where {} are (the package {})",
                missing.format, missing.headers, missing.package);
  }
  static Result<std::unique_ptr<DiskBackend>> open(const OpenRequest&) { return answer(); }
  static Result<std::unique_ptr<DiskBackend>> create(const CreateRequest&) { return answer(); }
  static Result<void> check_target(const CreateRequest&) { return answer(); }
};

}  // namespace vmlift
