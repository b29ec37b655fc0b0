// libvirt's calls, loaded at first use: neither the core nor the wheel is linked with it.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/dynamic_library.hpp"
#include "vmlift/error.hpp"

// Every call of libvirt that vmlift makes, without its prefix.
#define VMLIFT_LIBVIRT_CALLS(CALL)   \
  CALL(Initialize)                   \
  CALL(SetErrorFunc)                 \
  CALL(GetLastError)                 \
  CALL(ConnectOpenAuth)              \
  CALL(ConnectClose)                 \
  CALL(ConnectGetURI)                \
  CALL(ConnSetErrorFunc)             \
  CALL(ConnectGetDomainCapabilities) \
  CALL(DomainLookupByName)           \
  CALL(DomainLookupByUUIDString)     \
  CALL(DomainDefineXMLFlags)         \
  CALL(DomainUndefineFlags)          \
  CALL(DomainGetName)                \
  CALL(DomainGetUUIDString)          \
  CALL(DomainFree)

namespace vmlift::host {

struct Libvirt {
  static Result<Libvirt> load();

#define VMLIFT_LIBVIRT_POINTER(name) decltype(&::vir##name) name = nullptr;
  VMLIFT_LIBVIRT_CALLS(VMLIFT_LIBVIRT_POINTER)
#undef VMLIFT_LIBVIRT_POINTER
};

}  // namespace vmlift::host
