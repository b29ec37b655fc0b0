// Copies and what they compare and digest.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vmlift/copy.hpp>

#include "arguments.hpp"
#include "cancellable.hpp"
#include "disk.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {
namespace {

/// Runs `work(CopyOptions)` with `options` completed by stop and progress.
template <class Work>
auto run_copy(CopyOptions options, const py::object& progress, Work work) {
  return run_cancellable<Progress>(
      [&](std::stop_token stop, std::function<void(const Progress&)> report) {
        options.stop = std::move(stop);
        options.progress = std::move(report);
        return work(std::as_const(options));
      },
      [&](const Progress& step) {
        if (!progress.is_none()) progress(step.done, step.total);
      });
}

Result<CopyReport> convert_images(const Location& source, const Location& target,
                                  const std::string& format,
                                  const std::optional<std::string>& source_format,
                                  const OptionMap& options, bool compress, bool overwrite,
                                  bool verify, bool digest, bool bitmaps, unsigned threads,
                                  const std::optional<std::string>& references,
                                  const LimitMap& limits, bool allow_corrupt, bool allow_in_use,
                                  const std::optional<std::string>& snapshot,
                                  const OptionMap& source_options, const py::object& progress) {
  ConvertRequest request{
      .source = source.string(),
      .source_options = open_options(source_format, references, limits, allow_corrupt, allow_in_use,
                                     snapshot, source_options),
      .target = target.string(),
      .target_format = format,
      .target_options = {.options = options,
                         .compress = compress,
                         .overwrite = overwrite,
                         .limits = limits_from(limits)}};
  const CopyOptions copy{
      .threads = threads, .verify = verify, .digest = digest, .bitmaps = bitmaps};
  return run_copy(copy, progress, [&](const CopyOptions& completed) {
    request.copy = completed;
    return convert(request);
  });
}

Result<CopyReport> copy_into(const DiskHandle& source, DiskHandle& target, bool verify, bool digest,
                             bool bitmaps, unsigned threads, const py::object& progress) {
  const auto from = source.get();
  const auto to = target.get();
  const CopyOptions copy{
      .threads = threads, .verify = verify, .digest = digest, .bitmaps = bitmaps};
  return run_copy(copy, progress,
                  [&](const CopyOptions& completed) { return copy_disk(*from, *to, completed); });
}

Result<std::string> digest_of(const DiskHandle& handle, unsigned threads,
                              const py::object& progress) {
  const auto disk = handle.get();
  return run_copy({.threads = threads}, progress,
                  [&](const CopyOptions& completed) { return digest_disk(*disk, completed); });
}

Result<std::optional<std::uint64_t>> first_difference(const DiskHandle& a, const DiskHandle& b,
                                                      bool ignore_size, unsigned threads,
                                                      const py::object& progress) {
  const auto left = a.get();
  const auto right = b.get();
  return run_copy({.threads = threads}, progress, [&](const CopyOptions& completed) {
    return compare_disks(*left, *right, completed, ignore_size);
  });
}

}  // namespace

void add_copy(py::module_& module) {
  py::class_<CopyReport>(module, "CopyReport")
      .def_readonly("size", &CopyReport::size)
      .def_readonly("data_bytes", &CopyReport::data_bytes)
      .def_readonly("zero_bytes", &CopyReport::zero_bytes)
      .def_readonly("encoded_bytes", &CopyReport::encoded_bytes)
      .def_readonly("shared_bytes", &CopyReport::shared_bytes)
      .def_readonly("seconds", &CopyReport::seconds)
      .def_readonly("verified", &CopyReport::verified)
      .def_readonly("sha256", &CopyReport::sha256);

  module.def("convert", &convert_images, py::arg("source"), py::arg("target"), py::arg("format"),
             py::kw_only(), py::arg("source_format") = py::none(), py::arg("options") = OptionMap{},
             py::arg("compress") = false, py::arg("overwrite") = false, py::arg("verify") = false,
             py::arg("digest") = false, py::arg("bitmaps") = false, py::arg("threads") = 0,
             py::arg("references") = py::none(), py::arg("limits") = LimitMap{},
             py::arg("allow_corrupt") = false, py::arg("allow_in_use") = false,
             py::arg("snapshot") = py::none(), py::arg("source_options") = OptionMap{},
             py::arg("progress") = py::none(),
             "Copies a disk into a new one of `format`. Calls progress(done, total).");
  module.def("copy_disk", &copy_into, py::arg("source"), py::arg("target"), py::kw_only(),
             py::arg("verify") = false, py::arg("digest") = false, py::arg("bitmaps") = false,
             py::arg("threads") = 0, py::arg("progress") = py::none(),
             "Copies an open disk into one just created, and commits it.");
  module.def("digest", &digest_of, py::arg("disk"), py::kw_only(), py::arg("threads") = 0,
             py::arg("progress") = py::none(),
             "The SHA-256 of the guest-visible bytes, lower-case hex.");
  module.def("first_difference", &first_difference, py::arg("a"), py::arg("b"), py::kw_only(),
             py::arg("ignore_size") = false, py::arg("threads") = 0,
             py::arg("progress") = py::none(),
             "Where two disks first differ; None where they do not.");
}

}  // namespace vmlift::python
