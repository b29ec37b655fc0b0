// Disk, what it tells about itself, and opening and creating one.
#include "disk.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <limits>
#include <vmlift/copy.hpp>
#include <vmlift/format.hpp>

#include "arguments.hpp"
#include "cancellable.hpp"
#include "module.hpp"
#include "raise.hpp"

namespace vmlift::python {

std::shared_ptr<Disk> DiskHandle::get() const {
  if (!disk_) raise(Error(ErrorCode::InvalidArgument, "the disk is closed"));
  return disk_;
}

void DiskHandle::close() {
  // Releasing may flush and close files.
  auto last = std::move(disk_);
  without_gil([&] { last.reset(); });
}

namespace {

// C-contiguous memory of the caller; released with the object.
std::span<std::byte> writable_bytes(const py::buffer_info& info) {
  return {static_cast<std::byte*>(info.ptr), static_cast<std::size_t>(info.size * info.itemsize)};
}

py::buffer_info request_contiguous(const py::buffer& buffer, bool writable) {
  py::buffer_info info = buffer.request(writable);
  py::ssize_t stride = info.itemsize;
  for (py::ssize_t axis = info.ndim; axis-- > 0;) {
    if (info.shape[axis] > 1 && info.strides[axis] != stride) {
      throw py::buffer_error("the buffer is not contiguous");
    }
    stride *= info.shape[axis];
  }
  return info;
}

py::bytes read(const DiskHandle& handle, std::uint64_t length, std::uint64_t offset) {
  const auto disk = handle.get();
  // Checked before memory is taken for it.
  if (offset > disk->size() || length > disk->size() - offset) {
    raise(Error(ErrorCode::OutOfRange, std::to_string(length) +
                                           " bytes lie beyond the disk's end at " +
                                           std::to_string(disk->size()))
              .at(offset)
              .in(disk->location()));
  }
  PyObject* object = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(length));
  if (object == nullptr) throw py::error_already_set();
  auto bytes = py::reinterpret_steal<py::bytes>(object);
  const std::span buffer(reinterpret_cast<std::byte*>(PyBytes_AS_STRING(object)), length);
  value_or_raise(without_gil([&] { return disk->read(offset, buffer); }));
  return bytes;
}

void read_into(const DiskHandle& handle, const py::buffer& buffer, std::uint64_t offset) {
  const auto disk = handle.get();
  const py::buffer_info info = request_contiguous(buffer, true);
  value_or_raise(without_gil([&] { return disk->read(offset, writable_bytes(info)); }));
}

void write(const DiskHandle& handle, const py::buffer& buffer, std::uint64_t offset) {
  const auto disk = handle.get();
  const py::buffer_info info = request_contiguous(buffer, false);
  value_or_raise(without_gil([&] { return disk->write(offset, writable_bytes(info)); }));
}

py::object optional_text(const std::optional<std::string>& text) {
  return text ? py::object(to_text(*text)) : py::object(py::none());
}

py::list text_list(const std::vector<std::string>& texts) {
  py::list list;
  for (const std::string& text : texts) list.append(to_text(text));
  return list;
}

using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Ranges ranges_of(const ExtentSet& set) {
  Ranges ranges;
  for (const Extent& extent : set) ranges.emplace_back(extent.offset, extent.length);
  return ranges;
}

Ranges bitmap(const DiskHandle& handle, const std::string& name) {
  const auto disk = handle.get();
  return ranges_of(value_or_raise(without_gil([&] { return disk->bitmap(name); })));
}

Ranges changes_since(const DiskHandle& handle, const std::string& id) {
  const auto disk = handle.get();
  return ranges_of(value_or_raise(without_gil([&] { return disk->changes_since(id); })));
}

void add_bitmap(const DiskHandle& handle, const std::string& name, const Ranges& marked,
                std::uint64_t granularity, bool enabled) {
  const auto disk = handle.get();
  std::vector<Extent> extents;
  for (const auto& [offset, length] : marked) extents.push_back({offset, length});
  value_or_raise(without_gil([&] {
    return disk->add_bitmap({.name = name, .granularity = granularity, .enabled = enabled},
                            extents);
  }));
}

void add_extent(py::module_& module) {
  py::class_<DiskExtent>(module, "DiskExtent")
      .def_readonly("offset", &DiskExtent::offset)
      .def_readonly("length", &DiskExtent::length)
      .def_readonly("present", &DiskExtent::present)
      .def_readonly("zero", &DiskExtent::zero)
      .def_readonly("data", &DiskExtent::data)
      .def_readonly("compressed", &DiskExtent::compressed)
      .def_readonly("depth", &DiskExtent::depth)
      .def_readonly("host_offset", &DiskExtent::host_offset)
      .def_property_readonly("end", &DiskExtent::end)
      .def("__repr__", [](const DiskExtent& extent) {
        return "<vmlift.DiskExtent " + std::to_string(extent.offset) + "+" +
               std::to_string(extent.length) + (extent.zero ? " zero" : " data") + ">";
      });
}

void add_info(py::module_& module) {
  py::class_<SnapshotInfo>(module, "SnapshotInfo")
      .def_property_readonly("id", [](const SnapshotInfo& self) { return to_text(self.id); })
      .def_property_readonly("name", [](const SnapshotInfo& self) { return to_text(self.name); })
      .def_readonly("virtual_size", &SnapshotInfo::virtual_size)
      .def_readonly("created", &SnapshotInfo::created);

  py::class_<BitmapInfo>(module, "BitmapInfo")
      .def_property_readonly("name", [](const BitmapInfo& self) { return to_text(self.name); })
      .def_readonly("granularity", &BitmapInfo::granularity)
      .def_readonly("enabled", &BitmapInfo::enabled)
      .def_readonly("consistent", &BitmapInfo::consistent);

  py::class_<DiskInfo>(module, "DiskInfo")
      .def_readonly("format", &DiskInfo::format)
      .def_readonly("subformat", &DiskInfo::subformat)
      .def_property_readonly("path", [](const DiskInfo& self) { return to_text(self.path); })
      .def_readonly("virtual_size", &DiskInfo::virtual_size)
      .def_readonly("stored_size", &DiskInfo::stored_size)
      .def_readonly("unit_size", &DiskInfo::unit_size)
      .def_readonly("compressed", &DiskInfo::compressed)
      .def_readonly("encrypted", &DiskInfo::encrypted)
      .def_readonly("dirty", &DiskInfo::dirty)
      .def_readonly("corrupt", &DiskInfo::corrupt)
      .def_property_readonly("backing_file",
                             [](const DiskInfo& self) { return optional_text(self.backing_file); })
      .def_property_readonly(
          "backing_format", [](const DiskInfo& self) { return optional_text(self.backing_format); })
      .def_property_readonly("data_file",
                             [](const DiskInfo& self) { return optional_text(self.data_file); })
      .def_readonly("snapshots", &DiskInfo::snapshots)
      .def_readonly("bitmaps", &DiskInfo::bitmaps)
      .def_property_readonly("files", [](const DiskInfo& self) { return text_list(self.files); })
      .def_property_readonly("details",
                             [](const DiskInfo& self) {
                               py::dict details;
                               for (const auto& [name, value] : self.details) {
                                 details[to_text(name)] = to_text(value);
                               }
                               return details;
                             })
      .def_property_readonly("warnings",
                             [](const DiskInfo& self) { return text_list(self.warnings); });
}

void add_check_report(py::module_& module) {
  py::class_<CheckReport>(module, "CheckReport")
      .def_readonly("total_units", &CheckReport::total_units)
      .def_readonly("allocated_units", &CheckReport::allocated_units)
      .def_readonly("compressed_units", &CheckReport::compressed_units)
      .def_readonly("leaked_units", &CheckReport::leaked_units)
      .def_readonly("corrupt_units", &CheckReport::corrupt_units)
      .def_property_readonly("findings",
                             [](const CheckReport& self) { return text_list(self.findings); })
      .def_property_readonly("clean", [](const CheckReport& self) {
        return self.leaked_units == 0 && self.corrupt_units == 0 && self.findings.empty();
      });
}

void add_handle(py::module_& module) {
  py::class_<DiskHandle>(module, "Disk")
      .def_property_readonly("size", [](const DiskHandle& self) { return self.get()->size(); })
      .def_property_readonly(
          "format", [](const DiskHandle& self) { return std::string(self.get()->format().name); })
      .def_property_readonly("location",
                             [](const DiskHandle& self) { return to_text(self.get()->location()); })
      .def_property_readonly("closed", &DiskHandle::closed)
      .def(
          "info",
          [](const DiskHandle& self) {
            return without_gil([disk = self.get()] { return disk->info(); });
          },
          "What the image says about itself.")
      .def(
          "map",
          [](const DiskHandle& self) {
            return without_gil([disk = self.get()] { return disk->map(); });
          },
          "Where data, zeros and holes lie, in ascending order.")
      .def(
          "check",
          [](const DiskHandle& self) {
            return without_gil([disk = self.get()] { return disk->check(); });
          },
          "Tests the image's own structure.")
      .def("read", &read, py::arg("length"), py::arg("offset"),
           "`length` guest-visible bytes at `offset`.")
      .def("read_into", &read_into, py::arg("buffer"), py::arg("offset"),
           "Fills a writable buffer from `offset` on.")
      .def("write", &write, py::arg("buffer"), py::arg("offset"), "Writes a buffer at `offset`.")
      .def(
          "zero",
          [](const DiskHandle& self, std::uint64_t length, std::uint64_t offset) {
            return without_gil([&, disk = self.get()] { return disk->zero({offset, length}); });
          },
          py::arg("length"), py::arg("offset"), "Makes a range read as zeros.")
      .def(
          "discard",
          [](const DiskHandle& self, std::uint64_t length, std::uint64_t offset) {
            return without_gil([&, disk = self.get()] { return disk->discard({offset, length}); });
          },
          py::arg("length"), py::arg("offset"),
          "Tells that a range is not needed: it may read as anything afterwards.")
      .def(
          "flush",
          [](const DiskHandle& self) {
            return without_gil([disk = self.get()] { return disk->flush(); });
          },
          "What was written survives a crash of the machine.")
      .def(
          "commit",
          [](const DiskHandle& self) {
            return without_gil([disk = self.get()] { return disk->commit(); });
          },
          "Completes a created disk and gives it its name.")
      .def("bitmap", &bitmap, py::arg("name"),
           "What a persistent bitmap marks: (offset, length), in ascending order.")
      .def("add_bitmap", &add_bitmap, py::arg("name"), py::kw_only(), py::arg("marked") = Ranges{},
           py::arg("granularity") = 65536, py::arg("enabled") = true,
           "Gives a disk just created a persistent bitmap.")
      .def(
          "take_snapshot",
          [](const DiskHandle& self, const std::string& name) {
            return without_gil([&, disk = self.get()] { return disk->take_snapshot(name); });
          },
          py::arg("name"), "Takes a snapshot of a disk that is open for writing (RBD).")
      .def(
          "remove_snapshot",
          [](const DiskHandle& self, const std::string& id) {
            return without_gil([&, disk = self.get()] { return disk->remove_snapshot(id); });
          },
          py::arg("id"), "Removes a snapshot.")
      .def(
          "roll_back",
          [](const DiskHandle& self, const std::string& id) {
            return without_gil([&, disk = self.get()] { return disk->roll_back(id); });
          },
          py::arg("id"), "Makes the disk what it was at a snapshot.")
      .def(
          "clone_snapshot",
          [](const DiskHandle& self, const std::string& id, const Location& location) {
            return without_gil(
                [&, disk = self.get()] { return disk->clone_snapshot(id, location.string()); });
          },
          py::arg("id"), py::arg("location"),
          "Makes a new disk that begins as a snapshot and shares its storage.")
      .def("changes_since", &changes_since, py::arg("id"),
           "What was written or discarded since a snapshot: (offset, length), in ascending order.")
      .def("close", &DiskHandle::close, "Closes; a created disk without commit() is gone.")
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](DiskHandle& self, const py::args&) { self.close(); })
      .def("__repr__", [](const DiskHandle& self) {
        if (self.closed()) return py::str("<vmlift.Disk closed>");
        const auto disk = self.get();
        return py::str("<vmlift.Disk {!r} {} {} bytes>")
            .format(to_text(disk->location()), std::string(disk->format().name), disk->size());
      });
}

DiskHandle open(const Location& location, const std::optional<std::string>& format, bool writable,
                const std::optional<std::string>& references, const LimitMap& limits,
                bool allow_corrupt, bool allow_in_use, const std::optional<std::string>& snapshot,
                const OptionMap& options, const py::object& progress) {
  OpenOptions opening =
      open_options(format, references, limits, allow_corrupt, allow_in_use, snapshot, options);
  opening.writable = writable;
  return DiskHandle(value_or_raise(run_cancellable<Progress>(
      [&](std::stop_token stop, std::function<void(const Progress&)> report) {
        opening.stop = std::move(stop);
        // Only while this call lasts: what is expanded later is part of some other work.
        auto open = std::make_shared<std::atomic<bool>>(true);
        opening.expanding = [open, report](std::uint64_t done, std::uint64_t total) {
          if (*open) report({done, total});
        };
        auto disk = open_disk(location.string(), opening);
        *open = false;
        return disk;
      },
      [&](const Progress& step) {
        if (!progress.is_none()) progress(step.done, step.total);
      })));
}

DiskHandle create(const Location& location, const std::string& format, std::uint64_t size,
                  const OptionMap& options, bool compress, bool overwrite, const LimitMap& limits) {
  const CreateOptions wanted{.size = size,
                             .options = options,
                             .compress = compress,
                             .overwrite = overwrite,
                             .limits = limits_from(limits)};
  return DiskHandle(
      value_or_raise(without_gil([&] { return create_disk(location.string(), format, wanted); })));
}

}  // namespace

void add_disk(py::module_& module) {
  add_extent(module);
  add_info(module);
  add_check_report(module);
  add_handle(module);
  module.def("open_disk", &open, py::arg("location"), py::kw_only(), py::arg("format") = py::none(),
             py::arg("writable") = false, py::arg("references") = py::none(),
             py::arg("limits") = LimitMap{}, py::arg("allow_corrupt") = false,
             py::arg("allow_in_use") = false, py::arg("snapshot") = py::none(),
             py::arg("options") = OptionMap{}, py::arg("progress") = py::none(),
             "Opens a disk; \"-\" is standard input. Without `format` it is probed. Calls "
             "progress(done, total) while a compressed file is expanded.");
  module.def("create_disk", &create, py::arg("location"), py::arg("format"), py::arg("size"),
             py::kw_only(), py::arg("options") = OptionMap{}, py::arg("compress") = false,
             py::arg("overwrite") = false, py::arg("limits") = LimitMap{},
             "Creates a disk. It gets its name at commit(), complete.");
}

}  // namespace vmlift::python
