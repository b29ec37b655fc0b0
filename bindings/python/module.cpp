// The extension module vmlift._core: the C++ library as Python sees it. One file for each noun;
// types are registered before the functions whose signatures name them.
#include "module.hpp"

#include <vmlift/version.hpp>

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of vmlift. Import the package `vmlift` instead.";
  module.attr("__version__") = VMLIFT_VERSION_STRING;
  vmlift::python::add_formats(module);
  vmlift::python::add_disk(module);
  vmlift::python::add_copy(module);
  vmlift::python::add_vm(module);
  vmlift::python::add_package(module);
  vmlift::python::add_host(module);
  vmlift::python::add_migrate(module);
}
