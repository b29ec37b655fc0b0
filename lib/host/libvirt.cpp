#include "host/libvirt.hpp"

#include <dlfcn.h>

#include "base/fail.hpp"

namespace vmlift::host {
namespace {

constexpr const char* kLibvirt = "libvirt.so.0";

/// Whether the program uses libvirt itself: then how errors are shown is its choice.
bool already_loaded() {
  void* const handle = ::dlopen(kLibvirt, RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) return false;
  ::dlclose(handle);
  return true;
}

void stay_silent(void*, virErrorPtr) {}

}  // namespace

Result<Libvirt> Libvirt::load() {
  const bool belongs_to_program = already_loaded();
  VMLIFT_TRY(const DynamicLibrary library,
             DynamicLibrary::load(kLibvirt, "defining a machine",
                                  "libvirt0 (Debian) or libvirt-libs (RPM)"));
  Libvirt calls;
#define VMLIFT_LIBVIRT_FIND(name) VMLIFT_CHECK(library.find("vir" #name, calls.name));
  VMLIFT_LIBVIRT_CALLS(VMLIFT_LIBVIRT_FIND)
#undef VMLIFT_LIBVIRT_FIND
  // Left alone, libvirt prints each error to stderr before it returns it.
  if (!belongs_to_program) calls.SetErrorFunc(nullptr, stay_silent);
  if (calls.Initialize() < 0) return fail(ErrorCode::Io, "libvirt cannot be initialised");
  return calls;
}

}  // namespace vmlift::host
