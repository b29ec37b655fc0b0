// A library that is loaded when it is first needed: what few users need must not keep the others
// from loading vmlift.
#pragma once

#include <string>
#include <string_view>

#include "vmlift/error.hpp"

namespace vmlift {

/// A loaded library. It is never unloaded: libraries with threads of their own do not survive
/// that. Loading it again is cheap.
class DynamicLibrary {
 public:
  /// `what` and `package` tell the user what is missing and how to get it. Errors:
  /// UnsupportedFeature.
  static Result<DynamicLibrary> load(const std::string& soname, std::string_view what,
                                     std::string_view package);

  /// Finds `symbol`; `function` is a pointer to a function of its type. Errors:
  /// UnsupportedFeature for a library that is too old.
  template <class Function>
  Result<void> find(const char* symbol, Function*& function) const {
    auto found = address(symbol);
    if (!found) return std::unexpected(std::move(found).error());
    function = reinterpret_cast<Function*>(*found);
    return {};
  }

 private:
  DynamicLibrary(void* handle, std::string soname) : handle_(handle), soname_(std::move(soname)) {}
  Result<void*> address(const char* symbol) const;

  void* handle_;
  std::string soname_;
};

}  // namespace vmlift
