#include "raise.hpp"

namespace vmlift::python {

py::str to_text(std::string_view bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

void raise(const Error& error) {
  const py::object path = error.path().empty() ? py::object(py::none()) : to_text(error.path());
  const py::object offset =
      error.offset() ? py::object(py::int_(*error.offset())) : py::object(py::none());
  // Looked up each time: a module must not keep Python objects in C++ statics.
  const py::object exception =
      py::module_::import("vmlift.errors")
          .attr("from_core")(to_text(error_name(error.code())), to_text(error.message()), path,
                             offset, error.os_number());
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw py::error_already_set();
}

}  // namespace vmlift::python
