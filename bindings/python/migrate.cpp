// Migration: plan and run.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vmlift/migrate.hpp>

#include "arguments.hpp"
#include "cancellable.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {
namespace {

Migration prepare(const Location& package, const Location& destination,
                  const std::string& disk_place, const std::string& disk_format,
                  const OptionMap& disk_options, bool compress, bool overwrite,
                  const OptionMap& sources, const OptionMap& source_options,
                  const std::string& profile, const OptionMap& decisions,
                  const std::optional<std::string>& network_map, const std::string& configuration,
                  bool ignore_locks, bool resume, bool verify, unsigned threads,
                  const std::optional<std::string>& references, const LimitMap& limits) {
  MigrationOptions options;
  options.destination = destination.string();
  options.disk_place = disk_place;
  options.disk_format = disk_format;
  options.disk_options = disk_options;
  options.compress = compress;
  options.overwrite = overwrite;
  options.sources = {sources.begin(), sources.end()};
  options.source_options = source_options;
  options.profile = profile;
  options.decisions = {decisions.begin(), decisions.end()};
  if (network_map) options.networks = value_or_raise(vm::parse_network_map(*network_map));
  options.configuration = configuration;
  options.ignore_locks = ignore_locks;
  options.resume = resume;
  options.verify = verify;
  options.threads = threads;
  if (references) options.policy = value_or_raise(OpenPolicy::parse(*references));
  options.limits = limits_from(limits);
  return value_or_raise(without_gil([&] { return Migration::prepare(package.string(), options); }));
}

py::str run(Migration& migration, const py::object& progress) {
  const MigrationReport report = value_or_raise(run_cancellable<MigrationProgress>(
      [&](std::stop_token stop, std::function<void(const MigrationProgress&)> show) {
        return migration.run({.progress = std::move(show), .stop = std::move(stop)});
      },
      [&](const MigrationProgress& step) {
        if (progress.is_none()) return;
        progress(std::string(stage_name(step.stage)), step.done, step.total);
      }));
  return to_text(to_json(report));
}

}  // namespace

void add_migrate(py::module_& module) {
  py::class_<Migration>(module, "Migration")
      .def(py::init(&prepare), py::arg("package"), py::arg("destination"), py::kw_only(),
           py::arg("disk_place") = "", py::arg("disk_format") = "",
           py::arg("disk_options") = OptionMap{}, py::arg("compress") = false,
           py::arg("overwrite") = false, py::arg("sources") = OptionMap{},
           py::arg("source_options") = OptionMap{}, py::arg("profile") = "",
           py::arg("decisions") = OptionMap{}, py::arg("network_map") = py::none(),
           py::arg("configuration") = "", py::arg("ignore_locks") = false,
           py::arg("resume") = false, py::arg("verify") = false, py::arg("threads") = 0,
           py::arg("references") = py::none(), py::arg("limits") = LimitMap{})
      .def("plan_json", [](const Migration& self) { return to_text(to_json(self.plan())); })
      .def("account_json",
           [](const Migration& self) { return to_text(vm::to_json(self.plan().account)); })
      .def("run_json", &run, py::kw_only(), py::arg("progress") = py::none());
}

}  // namespace vmlift::python
