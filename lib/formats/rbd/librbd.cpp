#include "formats/rbd/librbd.hpp"

#include "base/fail.hpp"

namespace vmlift::rbd {

Result<LibRados> load_librados() {
  VMLIFT_TRY(const DynamicLibrary library,
             DynamicLibrary::load("librados.so.2", "RBD", "librados2"));
  LibRados calls;
#define VMLIFT_LIBRADOS_FIND(name) VMLIFT_CHECK(library.find("rados_" #name, calls.name));
  VMLIFT_LIBRADOS_CALLS(VMLIFT_LIBRADOS_FIND)
#undef VMLIFT_LIBRADOS_FIND
  return calls;
}

Result<LibRbd> load_librbd() {
  VMLIFT_TRY(const DynamicLibrary library, DynamicLibrary::load("librbd.so.1", "RBD", "librbd1"));
  LibRbd calls;
#define VMLIFT_LIBRBD_FIND(name) VMLIFT_CHECK(library.find("rbd_" #name, calls.name));
  VMLIFT_LIBRBD_CALLS(VMLIFT_LIBRBD_FIND)
#undef VMLIFT_LIBRBD_FIND
  return calls;
}

}  // namespace vmlift::rbd
