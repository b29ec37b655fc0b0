// In a build without librbd's headers the format is known, and every use says what is missing.
#include "base/fail.hpp"
#include "formats/rbd/rbd_disk.hpp"

namespace vmlift::rbd {
namespace {

std::unexpected<Error> left_out() {
  return fail(ErrorCode::UnsupportedFeature,
              "this vmlift was built without RBD; build it where librbd's headers are (the "
              "package librbd-dev)");
}

}  // namespace

Result<std::unique_ptr<DiskBackend>> open_image(const OpenRequest&) { return left_out(); }
Result<std::unique_ptr<DiskBackend>> create_image(const CreateRequest&) { return left_out(); }
Result<void> check_target(const CreateRequest&) { return left_out(); }

}  // namespace vmlift::rbd
