#include "formats/nbd/libnbd.hpp"

#include "base/fail.hpp"

namespace vmlift::nbd {

Result<LibNbd> LibNbd::load() {
  VMLIFT_TRY(const DynamicLibrary library,
             DynamicLibrary::load("libnbd.so.0", "NBD", "libnbd0 (Debian) or libnbd (RPM)"));
  LibNbd calls;
#define VMLIFT_LIBNBD_FIND(name) VMLIFT_CHECK(library.find("nbd_" #name, calls.name));
  VMLIFT_LIBNBD_CALLS(VMLIFT_LIBNBD_FIND)
#undef VMLIFT_LIBNBD_FIND
  return calls;
}

}  // namespace vmlift::nbd
