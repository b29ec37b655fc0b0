// The table of formats.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>
#include <vmlift/format.hpp>

#include "arguments.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {
namespace {

std::vector<std::string> schemes(const Format& format) {
  return {format.schemes.begin(), format.schemes.end()};
}

}  // namespace

void add_formats(py::module_& module) {
  py::class_<Subformat>(module, "Subformat")
      .def_readonly("name", &Subformat::name)
      .def_readonly("read", &Subformat::read)
      .def_readonly("write", &Subformat::write)
      .def_readonly("create", &Subformat::create);

  py::class_<FormatOption>(module, "FormatOption")
      .def_readonly("name", &FormatOption::name)
      .def_readonly("values", &FormatOption::values)
      .def_readonly("meaning", &FormatOption::meaning);

  py::class_<Format>(module, "Format")
      .def_readonly("name", &Format::name)
      .def_readonly("description", &Format::description)
      .def_property_readonly("subformats",
                             [](const Format& format) {
                               return std::vector(format.subformats.begin(),
                                                  format.subformats.end());
                             })
      .def_property_readonly("options",
                             [](const Format& format) {
                               return std::vector(format.options.begin(), format.options.end());
                             })
      .def_property_readonly("schemes", &schemes)
      .def_property_readonly("probed", [](const Format& format) { return format.probe != nullptr; })
      .def("__repr__",
           [](const Format& format) { return "<vmlift.Format " + std::string(format.name) + ">"; });

  module.def(
      "formats",
      [] {
        py::list list;
        // The table's records live as long as the library.
        for (const Format* format : formats()) {
          list.append(py::cast(format, py::return_value_policy::reference));
        }
        return list;
      },
      "The disk formats, in the order of probing.");

  module.def(
      "probe",
      [](const Location& location) {
        return without_gil([&] { return probe(location.string()); });
      },
      py::arg("location"), "The format of a disk; never raw.");

  module.def(
      "error_codes",
      [] {
        py::dict codes;
#define VMLIFT_ERROR(name, c_name, number, text) codes[#name] = py::make_tuple(number, text);
#include <vmlift/errors.def>
#undef VMLIFT_ERROR
        return codes;
      },
      "Every error code: its pinned number and what it means.");
}

}  // namespace vmlift::python
