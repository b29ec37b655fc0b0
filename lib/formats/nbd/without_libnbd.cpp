// In a build without libnbd's headers the format is known, and every use says what is missing.
#include "base/left_out.hpp"
#include "formats/nbd/nbd_disk.hpp"

namespace vmlift::nbd {

Result<std::unique_ptr<DiskBackend>> open_export(const OpenRequest&) {
  return left_out("NBD", "libnbd");
}
Result<std::unique_ptr<DiskBackend>> create_on_export(const CreateRequest&) {
  return left_out("NBD", "libnbd");
}
Result<void> check_target(const CreateRequest&) { return left_out("NBD", "libnbd"); }

}  // namespace vmlift::nbd
