// What module.cpp registers, in its order.
#pragma once

#include <pybind11/pybind11.h>

namespace vmlift::python {

void add_formats(pybind11::module_& module);
void add_disk(pybind11::module_& module);
void add_copy(pybind11::module_& module);
void add_vm(pybind11::module_& module);
void add_package(pybind11::module_& module);
void add_host(pybind11::module_& module);
void add_migrate(pybind11::module_& module);

}  // namespace vmlift::python
