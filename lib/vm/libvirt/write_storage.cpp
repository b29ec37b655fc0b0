// Disks, removable drives and their controllers of a domain.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "vm/guest_os.hpp"
#include "vm/libvirt/domain_writer.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

// Longer ones do not fit into what SCSI and ATA tell.
constexpr std::size_t kLongestSerial = 36;

/// libvirt's type of a disk: what its <source> names.
const char* disk_type(const TargetDrive& drive) {
  if (drive.server) return "network";
  // /dev/shm is a file system of plain files.
  const bool block = drive.path.starts_with("/dev/") && !drive.path.starts_with("/dev/shm/");
  return block ? "block" : "file";
}

void add_server(pugi::xml_node disk, const DiskServer& server) {
  auto source = add_element(disk, "source", {{"protocol", server.protocol}, {"name", server.name}});
  if (server.tls) source.append_attribute("tls") = "yes";
  if (!server.socket.empty()) {
    add_element(source, "host", {{"transport", "unix"}, {"socket", server.socket}});
  } else if (!server.host.empty()) {
    add_element(source, "host", {{"name", server.host}, {"port", std::to_string(server.port)}});
  }
}

}  // namespace

void DomainWriter::disk(const TargetDrive& drive) {
  const Drive& source = machine_.disks[drive.index];
  const std::string type = disk_type(drive);
  auto disk = add_element(devices_, "disk", {{"type", type}, {"device", "disk"}});
  auto driver = add_element(disk, "driver", {{"name", "qemu"}, {"type", drive.format}});
  const std::string cache = source.shared ? "none" : decisions_["disk-cache"];
  if (cache != "default") {
    driver.append_attribute("cache") = cache.c_str();
    // QEMU's drivers of servers have no other way of waiting than their own.
    if ((cache == "none" || cache == "directsync") && !drive.server)
      driver.append_attribute("io") = "native";
    driver.append_attribute("discard") = "unmap";
  }
  if (drive.server) {
    add_server(disk, *drive.server);
  } else {
    add_element(disk, "source", {{type == "block" ? "dev" : "file", drive.path}});
  }
  add_element(disk, "target", {{"dev", drive.name}, {"bus", drive.bus}});
  if (source.io.limit && decisions_.is("io-limits", "yes")) {
    add_text(add_element(disk, "iotune"), "total_iops_sec", std::to_string(*source.io.limit));
    account_.tell(Aspect::disk_io, drive.index, mapped("iotune/total_iops_sec"));
  }
  if (source.shared) {
    add_element(disk, "shareable");
    account_.tell(
        Aspect::disk_sharing, drive.index,
        needs_action(
            "put the disk where every machine that shares it can reach it, as raw or on a cluster-aware store",
            "several machines write to it"));
  }
  const bool nonpersistent = contains_ignoring_case(source.mode, "nonpersistent");
  if (nonpersistent) add_element(disk, "transient");
  if (source.read_only) add_element(disk, "readonly");
  if (!source.serial.empty()) add_text(disk, "serial", drive_serial(source.serial, kLongestSerial));
  add_element(disk, "boot", {{"order", std::to_string(drive.boot_order)}});
  if (drive.bus == "scsi") {
    // One target for each disk, LUN 0: the only LUN that the emulated VMware and LSI
    // controllers have. The old parallel ones know targets by their unit.
    const bool parallel = drive.scsi_model == "lsilogic";
    const std::string place = std::to_string(drive.unit);
    add_element(disk, "address",
                {{"type", "drive"},
                 {"controller", std::to_string(drive.controller)},
                 {"bus", "0"},
                 {"target", parallel ? "0" : place},
                 {"unit", parallel ? place : "0"}});
  }
  account_disk(drive, source, nonpersistent);
}

void DomainWriter::account_disk(const TargetDrive& drive, const Drive& source, bool nonpersistent) {
  const std::string element = fmt::format("devices/disk[{}]", drive.name);
  account_.tell(Aspect::disk, drive.index, mapped(element, drive.reason));
  if (drive.server && drive.server->protocol == "rbd") {
    account_.tell(
        Aspect::disk_source, drive.index,
        needs_action("if the cluster asks for a key, define it as a secret of libvirt and "
                     "name that in the disk's <auth>",
                     fmt::format("is {} now", drive.path)));
  }
  account_.tell(Aspect::disk_source, drive.index,
                mapped(element + "/source", fmt::format("is {} now", drive.path)));
  if (nonpersistent)
    account_.tell(Aspect::disk_mode, drive.index, mapped(element + "/transient"));
  else if (!equal_ignoring_case(source.mode, "persistent"))
    account_.tell(Aspect::disk_mode, drive.index,
                  dropped("snapshots of the target take every disk along"));
}

void DomainWriter::medium(const TargetMedium& target) {
  const Medium& source = machine_.media[target.index];
  const bool floppy = source.kind == Medium::Kind::floppy;
  const std::string element = fmt::format("devices/disk[{}]", target.name);
  const DiskTarget* named = nullptr;
  if (source.source) {
    const auto found = request_.options.disks.find(*source.source);
    if (found != request_.options.disks.end()) named = &found->second;
  }
  if (floppy && named == nullptr) {
    account_.tell(Aspect::medium, target.index, dropped("an empty floppy drive is of no use"));
    account_.tell(Aspect::medium_source, target.index, dropped("the image was not carried over"));
    account_.tell(Aspect::medium_connected, target.index,
                  dropped("an empty floppy drive is of no use"));
    return;
  }
  auto disk =
      add_element(devices_, "disk", {{"type", "file"}, {"device", floppy ? "floppy" : "cdrom"}});
  add_element(disk, "driver", {{"name", "qemu"}, {"type", "raw"}});
  if (named != nullptr) add_element(disk, "source", {{"file", named->path}});
  add_element(disk, "target", {{"dev", target.name}, {"bus", target.bus}});
  if (!floppy) add_element(disk, "readonly");
  if (target.boot_order != 0)
    add_element(disk, "boot", {{"order", std::to_string(target.boot_order)}});
  account_.tell(Aspect::medium, target.index, mapped(element));
  if (named != nullptr)
    account_.tell(Aspect::medium_source, target.index, mapped(element + "/source"));
  else if (source.source)
    account_.tell(
        Aspect::medium_source, target.index,
        dropped("the drive is empty: a medium of the source's host is not at the target"));
}

void DomainWriter::controllers() {
  std::map<std::uint32_t, std::string> scsi;
  for (const TargetDrive& drive : drives_.disks)
    if (drive.bus == "scsi") scsi.emplace(drive.controller, drive.scsi_model);
  for (const auto& [index, model] : scsi)
    add_element(devices_, "controller",
                {{"type", "scsi"}, {"index", std::to_string(index)}, {"model", model}});
  for (std::size_t at = 0; at < machine_.controllers.size(); ++at)
    account_controller(at, machine_.controllers[at], scsi);
  if (is_xen()) return;
  const bool legacy = guest_is_legacy(machine_.guest_os);
  add_element(devices_, "controller",
              {{"type", "usb"}, {"index", "0"}, {"model", legacy ? "piix3-uhci" : "qemu-xhci"}});
}

void DomainWriter::account_controller(std::size_t at, const Controller& controller,
                                      const std::map<std::uint32_t, std::string>& scsi) {
  const auto target = scsi.find(controller.index);
  const bool is_scsi = controller.bus == Bus::scsi && target != scsi.end();
  const auto hangs_here = [&](const auto& drive) { return drive.bus == bus_name(controller.bus); };
  const bool others =
      controller.bus != Bus::scsi && (std::ranges::any_of(drives_.disks, hangs_here) ||
                                      std::ranges::any_of(drives_.media, hangs_here));
  if (!is_scsi && !others) {
    const std::string why = "nothing hangs on it at the target, where drives have other buses";
    account_.tell(Aspect::controller, at, dropped(why));
    account_.tell(Aspect::controller_model, at, dropped(why));
    return;
  }
  const std::string element =
      is_scsi ? fmt::format("devices/controller[scsi{}]", controller.index)
              : fmt::format("devices/disk/target[{}]", bus_name(controller.bus));
  account_.tell(Aspect::controller, at, mapped(element));
  account_.tell(Aspect::controller_model, at,
                is_scsi ? mapped(element + "/@model", fmt::format("is {} now", target->second))
                        : defaulted(element, "the board's own controller"));
}

}  // namespace vmlift::vm
