// LibvirtHost: where domains are defined.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vmlift/host.hpp>

#include "arguments.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {
namespace {

LibvirtHost connect(const std::string& uri) {
  return value_or_raise(without_gil([&] { return LibvirtHost::connect(uri); }));
}

py::list define(const LibvirtHost& host, const std::vector<std::string>& domains) {
  const auto defined = value_or_raise(without_gil([&] { return host.define(domains); }));
  py::list list;
  for (const Domain& domain : defined)
    list.append(py::make_tuple(to_text(domain.name), to_text(domain.uuid)));
  return list;
}

}  // namespace

void add_host(py::module_& module) {
  py::class_<LibvirtHost>(module, "LibvirtHost")
      .def(py::init(&connect), py::arg("uri") = "")
      .def_property_readonly("uri", [](const LibvirtHost& self) { return to_text(self.uri()); })
      .def(
          "capabilities",
          [](const LibvirtHost& self, const std::string& hypervisor) {
            return to_text(
                value_or_raise(without_gil([&] { return self.capabilities(hypervisor); })));
          },
          py::arg("hypervisor") = "kvm")
      .def("define", &define, py::arg("domains"));
}

}  // namespace vmlift::python
