// In a build without libnbd's headers the format is known, and every use says what is missing.
#include "base/fail.hpp"
#include "formats/nbd/nbd_disk.hpp"

namespace vmlift::nbd {
namespace {

std::unexpected<Error> left_out() {
  return fail(ErrorCode::UnsupportedFeature,
              "this vmlift was built without NBD; build it where libnbd's headers are (the "
              "package libnbd-dev)");
}

}  // namespace

Result<std::unique_ptr<DiskBackend>> open_export(const OpenRequest&) { return left_out(); }
Result<std::unique_ptr<DiskBackend>> create_on_export(const CreateRequest&) { return left_out(); }
Result<void> check_target(const CreateRequest&) { return left_out(); }

}  // namespace vmlift::nbd
