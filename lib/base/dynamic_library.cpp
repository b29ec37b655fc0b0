#include "base/dynamic_library.hpp"

#include <dlfcn.h>

#include "base/fail.hpp"

namespace vmlift {
namespace {

std::string last_problem() {
  const char* const text = ::dlerror();
  return text == nullptr ? "no reason given" : text;
}

}  // namespace

Result<DynamicLibrary> DynamicLibrary::load(const std::string& soname, std::string_view what,
                                            std::string_view package) {
  void* const handle = ::dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    return fail(ErrorCode::UnsupportedFeature,
                "{} needs the library {}, which cannot be loaded ({}); install the package {}",
                what, soname, last_problem(), package);
  }
  return DynamicLibrary(handle, soname);
}

Result<void*> DynamicLibrary::address(const char* symbol) const {
  if (void* const found = ::dlsym(handle_, symbol)) return found;
  return fail(ErrorCode::UnsupportedFeature, "the library {} is too old: it has no {}", soname_,
              symbol);
}

}  // namespace vmlift
