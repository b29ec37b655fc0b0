// Disks, removable drives and their controllers of a VMX.
#include "vm/scalar.hpp"
#include "vm/vmx/device_reader.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

using R = Result<void>;
using E = VmxEntry;

constexpr DeviceKey<Controller> kControllerKeys[] = {
    {"present", Aspect::controller},
    {"virtualdev", Aspect::controller_model,
     [](Controller& c, const E& e) -> R {
       c.model = lower(trim(e.value));
       return {};
     }},
    {"sharedbus", Aspect::controller_sharing,
     [](Controller& c, const E& e) -> R {
       c.sharing = lower(trim(e.value));
       if (c.sharing == "none") c.sharing.clear();
       return {};
     }},
    {"pcislotnumber", Aspect::controller_slot,
     [](Controller& c, const E& e) -> R { return read_slot(c.pci_slot, e); }},
    {"saswwid", Aspect::bookkeeping},
    {"subnqnuuid", Aspect::bookkeeping},
};

constexpr DeviceKey<RawDrive> kDriveKeys[] = {
    {"present", Aspect::disk},
    {"filename", Aspect::disk_source,
     [](RawDrive& d, const E& e) -> R {
       d.file_name = e.value;
       d.has_file_name = true;
       return {};
     }},
    {"devicetype", Aspect::disk,
     [](RawDrive& d, const E& e) -> R {
       d.device_type = lower(trim(e.value));
       return {};
     }},
    {"mode", Aspect::disk_mode,
     [](RawDrive& d, const E& e) -> R {
       d.mode = trim(e.value);
       return {};
     }},
    {"writethrough", Aspect::disk_mode},
    {"redo", Aspect::bookkeeping},
    {"sharing", Aspect::disk_sharing,
     [](RawDrive& d, const E& e) -> R {
       d.sharing = lower(trim(e.value));
       return {};
     }},
    {"shared", Aspect::disk_sharing,
     [](RawDrive& d, const E& e) -> R {
       if (bool_value(e)) d.sharing = "multi-writer";
       return {};
     }},
    {"ctkenabled", Aspect::disk_tracking,
     [](RawDrive& d, const E& e) -> R {
       d.change_tracking = bool_value(e);
       return {};
     }},
    {"startconnected", Aspect::medium_connected,
     [](RawDrive& d, const E& e) -> R {
       d.start_connected = bool_value(e, true);
       return {};
     }},
    {"autodetect", Aspect::medium_source,
     [](RawDrive& d, const E& e) -> R {
       d.auto_detect = bool_value(e);
       return {};
     }},
    {"clientdevice", Aspect::medium_source,
     [](RawDrive& d, const E& e) -> R {
       d.client_device = bool_value(e);
       return {};
     }},
    {"exclusive", Aspect::medium_source},
    {"allowguestconnectioncontrol", Aspect::medium_connected},
    {"deviceid", Aspect::disk_raw_mapping},
    {"shares", Aspect::disk_shares,
     [](RawDrive& d, const E& e) -> R {
       d.shares = trim(e.value);
       return {};
     }},
    {"throughputcap", Aspect::disk_io,
     [](RawDrive& d, const E& e) -> R {
       d.throughput_cap = parse_unsigned(e.value);
       return {};
     }},
};

bool is_removable(const RawDrive& drive) {
  const std::string& type = drive.device_type;
  if (type.find("cdrom") != std::string::npos || type == "scsi-passthru") return true;
  if (!type.empty()) return false;
  return lower(drive.file_name).ends_with(".iso");
}

bool is_raw_mapping(const RawDrive& drive) {
  return drive.device_type == "rawdisk" || drive.device_type == "scsi-nonpassthru-rdm" ||
         drive.device_type == "scsi-passthru-rdm";
}

Medium::Backing medium_backing(const RawDrive& drive) {
  const std::string name = lower(trim(drive.file_name));
  if (drive.client_device) return Medium::Backing::client;
  if (name.empty() || name == "emptybackingstring") return Medium::Backing::empty;
  if (drive.device_type == "cdrom-image" || name.ends_with(".iso")) return Medium::Backing::image;
  return Medium::Backing::host_device;
}

}  // namespace

R DeviceReader::controller(const VmxDeviceName& name, const VmxDevice& device) {
  Controller controller{.bus = name.address.bus, .index = name.address.controller};
  const auto index = static_cast<std::uint32_t>(machine_.controllers.size());
  VMLIFT_CHECK(read_keys(kControllerKeys, controller, device, dictionary_, machine_, index,
                         Aspect::unknown));
  if (controller.bus == Bus::sata && controller.model.empty()) controller.model = "ahci";
  if (controller.bus == Bus::nvme && controller.model.empty()) controller.model = "nvme";
  machine_.controllers.push_back(std::move(controller));
  return {};
}

R DeviceReader::drive(const VmxDeviceName& name, const VmxDevice& device) {
  RawDrive raw;
  const auto disk_index = static_cast<std::uint32_t>(machine_.disks.size());
  VMLIFT_CHECK(
      read_keys(kDriveKeys, raw, device, dictionary_, machine_, disk_index, Aspect::unknown));
  if (is_removable(raw)) return medium(name, device, raw, Medium::Kind::cdrom);
  Drive drive;
  drive.address = name.address;
  if (raw.has_file_name && !raw.file_name.empty()) drive.source = raw.file_name;
  if (!raw.mode.empty()) drive.mode = raw.mode;
  drive.format = "vmdk";
  drive.shared = raw.sharing == "multi-writer";
  drive.change_tracking = raw.change_tracking;
  drive.io.shares = raw.shares;
  drive.io.limit = raw.throughput_cap;
  if (is_raw_mapping(raw)) {
    drive.backing = Drive::Backing::raw_mapping;
    for (const auto& [at, rest] : device.keys)
      if (rest == "devicetype") machine_.keys[at].aspect = Aspect::disk_raw_mapping;
  }
  machine_.disks.push_back(std::move(drive));
  return {};
}

R DeviceReader::medium(const VmxDeviceName& name, const VmxDevice& device, const RawDrive& raw,
                       Medium::Kind kind) {
  const auto index = static_cast<std::uint32_t>(machine_.media.size());
  Medium medium;
  medium.kind = kind;
  medium.address = name.address;
  medium.backing = medium_backing(raw);
  if (kind == Medium::Kind::floppy) {
    const VmxEntry* type = value(device, "filetype");
    const bool image = type == nullptr || equal_ignoring_case(type->value, "file");
    if (medium.backing == Medium::Backing::host_device && image)
      medium.backing = Medium::Backing::image;
  }
  if (medium.backing == Medium::Backing::image) medium.source = raw.file_name;
  medium.connected = raw.start_connected;
  for (const auto& [at, rest] : device.keys) {
    SourceKey& key = machine_.keys[at];
    if (key.aspect == Aspect::bookkeeping) continue;
    key.device = index;
    if (key.aspect == Aspect::disk_source)
      key.aspect = Aspect::medium_source;
    else if (key.aspect != Aspect::medium_connected && key.aspect != Aspect::medium_source &&
             key.aspect != Aspect::unknown)
      key.aspect = Aspect::medium;
  }
  machine_.media.push_back(std::move(medium));
  return {};
}

R DeviceReader::floppy(const VmxDeviceName& name, const VmxDevice& device) {
  RawDrive raw;
  VMLIFT_CHECK(read_keys(kDriveKeys, raw, device, dictionary_, machine_, 0, Aspect::medium));
  return medium(name, device, raw, Medium::Kind::floppy);
}

}  // namespace vmlift::vm
