// The dialects of definitions and what a translation lets its caller decide.
#include <pybind11/pybind11.h>

#include <vmlift/vm.hpp>

#include "module.hpp"

namespace vmlift::python {

namespace py = pybind11;

namespace {

py::list dialect_table() {
  py::list list;
  for (const vm::DialectInfo& dialect : vm::dialects()) {
    py::dict entry;
    entry["name"] = std::string(dialect.name);
    entry["description"] = std::string(dialect.description);
    entry["extension"] = std::string(dialect.extension);
    entry["reads"] = dialect.reads;
    entry["writes"] = dialect.writes;
    list.append(entry);
  }
  return list;
}

py::list decision_table(const std::string& dialect) {
  py::list list;
  for (const vm::DecisionInfo& decision : vm::decisions(dialect)) {
    py::dict entry;
    entry["name"] = std::string(decision.name);
    entry["values"] = std::string(decision.values);
    entry["meaning"] = std::string(decision.meaning);
    list.append(entry);
  }
  return list;
}

}  // namespace

void add_vm(py::module_& module) {
  module.def("dialects", &dialect_table, "The dialects of definitions.");
  module.def("decisions", &decision_table, py::arg("dialect"),
             "What a translation into a dialect lets the caller decide.");
}

}  // namespace vmlift::python
