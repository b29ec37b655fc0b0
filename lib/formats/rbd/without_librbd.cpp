// In a build without librbd's headers the format is known, and every use says what is missing.
#include "base/left_out.hpp"
#include "formats/rbd/rbd_disk.hpp"

namespace vmlift::rbd {

Result<std::unique_ptr<DiskBackend>> open_image(const OpenRequest&) {
  return left_out("RBD", "librbd");
}
Result<std::unique_ptr<DiskBackend>> create_image(const CreateRequest&) {
  return left_out("RBD", "librbd");
}
Result<void> check_target(const CreateRequest&) { return left_out("RBD", "librbd"); }

}  // namespace vmlift::rbd
