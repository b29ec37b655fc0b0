// Errors across the border: a Result that C++ returns is a value or an exception in Python, with
// code, message, path and offset intact. Bound functions simply return Results.
#pragma once

#include <pybind11/pybind11.h>

#include <string_view>
#include <utility>
#include <vmlift/error.hpp>

namespace vmlift::python {

namespace py = pybind11;

/// Text of unknown origin. Names inside images need not be UTF-8: stray bytes become the
/// surrogates that os.fsencode turns back.
py::str to_text(std::string_view bytes);

/// Raises the class of vmlift.errors that belongs to the code.
[[noreturn]] void raise(const Error& error);

template <class T>
T value_or_raise(Result<T>&& result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Runs `call` without the interpreter's lock. Its arguments must be C++ values by then.
template <class Call>
auto without_gil(Call call) {
  const py::gil_scoped_release released;
  return call();
}

}  // namespace vmlift::python

namespace pybind11::detail {

template <class T>
struct type_caster<vmlift::Result<T>> {
  static constexpr auto name = make_caster<T>::name;

  static handle cast(vmlift::Result<T> result, return_value_policy, handle parent) {
    if (!result) vmlift::python::raise(result.error());
    return make_caster<T>::cast(*std::move(result), return_value_policy::move, parent);
  }
};

template <>
struct type_caster<vmlift::Result<void>> {
  static constexpr auto name = const_name("None");

  static handle cast(const vmlift::Result<void>& result, return_value_policy, handle) {
    if (!result) vmlift::python::raise(result.error());
    return none().release();
  }
};

}  // namespace pybind11::detail
