// Package: a definition and its disks. Definitions and reports cross the border as the JSON texts
// that scripts read; vmlift/package.py decodes them.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vmlift/package.hpp>

#include "arguments.hpp"
#include "cancellable.hpp"
#include "disk.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {
namespace {

Package open(const Location& location, const std::string& configuration,
             const std::optional<std::string>& references, const LimitMap& limits) {
  PackageOptions options;
  options.configuration = configuration;
  options.limits = limits_from(limits);
  if (references) options.policy = value_or_raise(OpenPolicy::parse(*references));
  return value_or_raise(without_gil([&] { return Package::open(location.string(), options); }));
}

const vm::Drive& drive_named(const Package& package, const std::string& source) {
  for (const vm::Machine& machine : package.definition().machines) {
    for (const vm::Drive& drive : machine.disks) {
      if (drive.source == source || drive.address.text() == source) return drive;
    }
  }
  raise(Error(ErrorCode::NotFound, "the definition has no disk '" + source + "'")
            .in(package.location()));
}

py::list files(const Package& package) {
  py::list list;
  for (const PackageFile& file : package.files()) {
    list.append(py::make_tuple(to_text(file.name), file.size));
  }
  return list;
}

py::object manifest(const Package& package) {
  if (!package.manifest()) return py::none();
  py::list entries;
  for (const ManifestEntry& entry : package.manifest()->entries) {
    entries.append(py::make_tuple(to_text(entry.file), std::string(digest_name(entry.algorithm)),
                                  entry.digest));
  }
  return entries;
}

struct Hashed {
  std::uint64_t done;
  std::uint64_t total;
};

py::dict verify(const Package& package, const py::object& progress) {
  const Package::Verified verified = value_or_raise(run_cancellable<Hashed>(
      [&](std::stop_token stop, std::function<void(const Hashed&)> report) {
        return package.verify_manifest(
            {.progress = [report](std::uint64_t done,
                                  std::uint64_t total) { report({done, total}); },
             .stop = std::move(stop)});
      },
      [&](const Hashed& step) {
        if (!progress.is_none()) progress(step.done, step.total);
      }));
  py::dict result;
  result["files"] = verified.files;
  result["bytes"] = verified.bytes;
  py::list unlisted;
  for (const std::string& name : verified.unlisted) unlisted.append(to_text(name));
  result["unlisted"] = unlisted;
  return result;
}

vm::TranslateOptions translate_options(const std::string& dialect, const std::string& profile,
                                       const OptionMap& decisions,
                                       const std::optional<std::string>& network_map,
                                       const std::optional<std::string>& disk_directory,
                                       const std::optional<std::string>& disk_format,
                                       const std::string& hypervisor,
                                       const std::string& capabilities) {
  vm::TranslateOptions options;
  options.dialect = dialect;
  options.profile = profile;
  options.decisions = {decisions.begin(), decisions.end()};
  if (network_map) options.networks = value_or_raise(vm::parse_network_map(*network_map));
  if (disk_directory) options.disk_directory = *disk_directory;
  if (disk_format) options.disk_format = *disk_format;
  options.hypervisor = hypervisor;
  options.capabilities = capabilities;
  return options;
}

py::tuple translate_texts(const Package& package, const std::string& dialect,
                          const std::string& profile, const OptionMap& decisions,
                          const std::optional<std::string>& network_map,
                          const std::optional<std::string>& disk_directory,
                          const std::optional<std::string>& disk_format,
                          const std::string& hypervisor, const std::string& capabilities) {
  const vm::TranslateOptions options =
      translate_options(dialect, profile, decisions, network_map, disk_directory, disk_format,
                        hypervisor, capabilities);
  const vm::Translation translation =
      value_or_raise(without_gil([&] { return vm::translate(package.definition(), options); }));
  py::list documents;
  for (const vm::Document& document : translation.documents) {
    documents.append(py::make_tuple(to_text(document.machine), to_text(document.file_name),
                                    to_text(document.text)));
  }
  return py::make_tuple(documents, to_text(vm::to_json(translation.report)));
}

}  // namespace

void add_package(py::module_& module) {
  py::class_<Package>(module, "Package")
      .def(py::init(&open), py::arg("location"), py::kw_only(), py::arg("configuration") = "",
           py::arg("references") = py::none(), py::arg("limits") = LimitMap{})
      .def_property_readonly(
          "kind", [](const Package& self) { return std::string(package_kind_name(self.kind())); })
      .def_property_readonly("location",
                             [](const Package& self) { return to_text(self.location()); })
      .def_property_readonly("definition_name",
                             [](const Package& self) { return to_text(self.definition_name()); })
      .def_property_readonly("definition_text",
                             [](const Package& self) { return to_text(self.definition_text()); })
      .def_property_readonly("files", &files)
      .def_property_readonly("manifest", &manifest)
      .def_property_readonly("locks",
                             [](const Package& self) {
                               py::list list;
                               for (const std::string& name : self.locks()) {
                                 list.append(to_text(name));
                               }
                               return list;
                             })
      .def("definition_json",
           [](const Package& self) { return to_text(vm::to_json(self.definition())); })
      .def("concerns_json",
           [](const Package& self) { return to_text(vm::to_json(vm::assess(self.definition()))); })
      .def(
          "open_disk",
          [](const Package& self, const std::string& source) {
            const vm::Drive& drive = drive_named(self, source);
            return DiskHandle(value_or_raise(without_gil([&] { return self.open_disk(drive); })));
          },
          py::arg("source"))
      .def(
          "disk_location",
          [](const Package& self, const std::string& source) {
            return to_text(self.disk_location(drive_named(self, source)));
          },
          py::arg("source"))
      .def("verify", &verify, py::kw_only(), py::arg("progress") = py::none())
      .def("translate_texts", &translate_texts, py::arg("dialect"), py::kw_only(),
           py::arg("profile") = "", py::arg("decisions") = OptionMap{},
           py::arg("network_map") = py::none(), py::arg("disk_directory") = py::none(),
           py::arg("disk_format") = py::none(), py::arg("hypervisor") = "",
           py::arg("capabilities") = "");
}

}  // namespace vmlift::python
