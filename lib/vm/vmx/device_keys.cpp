#include "vm/vmx/device_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vm/aspect.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

using E = VmxEntry;
using R = Result<void>;

/// One key of a kind of device.
template <class Device>
struct DeviceKey {
  std::string_view rest;
  Aspect aspect;
  R (*read)(Device& device, const E& entry) = nullptr;
};

R read_slot(std::optional<std::uint32_t>& slot, const E& e) {
  // -1: VMware has not chosen one yet.
  VMLIFT_TRY(const std::int64_t number, signed_value(e));
  if (number >= 0 && number <= 0xffff) slot = static_cast<std::uint32_t>(number);
  return {};
}

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

/// A drive before it is known whether it is a disk or removable.
struct RawDrive {
  std::string file_name;
  std::string device_type;
  std::string mode;
  std::string sharing;
  std::string shares;
  std::optional<std::uint64_t> throughput_cap;
  bool has_file_name = false;
  bool start_connected = true;
  bool client_device = false;
  bool auto_detect = false;
  bool change_tracking = false;
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

struct RawNic {
  Nic nic;
  std::string address_type;
  std::string fixed_address;
  std::string generated_address;
};

constexpr DeviceKey<RawNic> kNicKeys[] = {
    {"present", Aspect::nic},
    {"virtualdev", Aspect::nic_model,
     [](RawNic& n, const E& e) -> R {
       n.nic.model = lower(trim(e.value));
       return {};
     }},
    {"features", Aspect::nic_model,
     [](RawNic& n, const E& e) -> R {
       // vmxnet with features=15 is what VMware calls vmxnet2.
       if (trim(e.value) == "15") n.nic.model = "vmxnet2";
       return {};
     }},
    {"addresstype", Aspect::nic_mac_class,
     [](RawNic& n, const E& e) -> R {
       n.address_type = lower(trim(e.value));
       return {};
     }},
    {"address", Aspect::nic_mac,
     [](RawNic& n, const E& e) -> R {
       n.fixed_address = e.value;
       return {};
     }},
    {"generatedaddress", Aspect::nic_mac,
     [](RawNic& n, const E& e) -> R {
       n.generated_address = e.value;
       return {};
     }},
    {"generatedaddressoffset", Aspect::nic_mac_class},
    {"checkmacaddress", Aspect::nic_mac_class},
    {"networkname", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.name = e.value;
       return {};
     }},
    {"connectiontype", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.kind = lower(trim(e.value));
       return {};
     }},
    {"vnet", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.device = e.value;
       return {};
     }},
    {"dvs.switchid", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.switch_id = e.value;
       return {};
     }},
    {"dvs.portgroupid", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.portgroup = e.value;
       return {};
     }},
    {"dvs.portid", Aspect::nic_network},
    {"dvs.connectionid", Aspect::nic_network},
    {"opaquenetwork.id", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.portgroup = e.value;
       return {};
     }},
    {"opaquenetwork.type", Aspect::nic_network,
     [](RawNic& n, const E&) -> R {
       n.nic.network.kind = "opaque";
       return {};
     }},
    {"externalid", Aspect::nic_network},
    {"pcislotnumber", Aspect::nic_slot,
     [](RawNic& n, const E& e) -> R { return read_slot(n.nic.pci_slot, e); }},
    {"startconnected", Aspect::nic_connected,
     [](RawNic& n, const E& e) -> R {
       n.nic.connected = bool_value(e, true);
       return {};
     }},
    {"wakeonpcktrcv", Aspect::nic_wake,
     [](RawNic& n, const E& e) -> R {
       n.nic.wake_on_lan = bool_value(e);
       return {};
     }},
    {"allowguestconnectioncontrol", Aspect::nic_connected},
    {"linkstatepropagation.enable", Aspect::nic_connected},
    {"uptcompatibility", Aspect::bookkeeping},
};

constexpr DeviceKey<Port> kPortKeys[] = {
    {"filetype", Aspect::serial_port,
     [](Port& p, const E& e) -> R {
       p.kind = lower(trim(e.value));
       return {};
     }},
    {"filename", Aspect::serial_port,
     [](Port& p, const E& e) -> R {
       p.target = e.value;
       return {};
     }},
};

/// Runs the rows of a table over a device's keys and tags them. Keys of the device that no row
/// knows get `otherwise`.
template <class Device, std::size_t Rows>
R read_keys(const DeviceKey<Device> (&rows)[Rows], Device& device, const VmxDevice& keys,
            const VmxDictionary& dictionary, Machine& machine, std::uint32_t index,
            Aspect otherwise) {
  for (const auto& [at, rest] : keys.keys) {
    SourceKey& source = machine.keys[at];
    if (dictionary.entries[at].duplicate) continue;
    const auto row = std::ranges::find(rows, std::string_view(rest), &DeviceKey<Device>::rest);
    source.device = index;
    source.aspect = row == std::end(rows) ? otherwise : row->aspect;
    if (row != std::end(rows) && row->read != nullptr)
      VMLIFT_CHECK(row->read(device, dictionary.entries[at]));
  }
  return {};
}

void tag(const VmxDevice& device, Machine& machine, Aspect aspect, std::uint32_t index,
         std::string_view note = {}) {
  for (const auto& [at, rest] : device.keys) {
    SourceKey& key = machine.keys[at];
    if (key.aspect == Aspect::bookkeeping) continue;
    key.aspect = aspect;
    key.device = index;
    if (!note.empty()) key.note = note;
  }
}

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

class DeviceReader {
 public:
  DeviceReader(const VmxDictionary& dictionary, const VmxDevices& devices, Machine& machine)
      : dictionary_(dictionary), devices_(devices), machine_(machine) {}

  R read(const VmxDeviceName& name, const VmxDevice& device) {
    if (!present(name, device)) {
      tag(device, machine_, Aspect::absent, 0,
          fmt::format("the source says that {} is not present", device.prefix));
      return {};
    }
    switch (name.kind) {
      case VmxDeviceKind::controller:
        return controller(name, device);
      case VmxDeviceKind::drive:
        return drive(name, device);
      case VmxDeviceKind::floppy:
        return floppy(name, device);
      case VmxDeviceKind::nic:
        return nic(name, device);
      case VmxDeviceKind::serial:
        return port(name, device, machine_.serials, Aspect::serial_port);
      case VmxDeviceKind::parallel:
        return port(name, device, machine_.parallels, Aspect::parallel_port);
      case VmxDeviceKind::sound:
        return sound(device);
      case VmxDeviceKind::usb_port:
        return usb_port(device);
      case VmxDeviceKind::passthrough:
        return passthrough(device);
    }
    return {};
  }

 private:
  const VmxEntry* value(const VmxDevice& device, std::string_view rest) const {
    for (const auto& [at, name] : device.keys)
      if (name == rest && !dictionary_.entries[at].duplicate) return &dictionary_.entries[at];
    return nullptr;
  }

  bool present(const VmxDeviceName& name, const VmxDevice& device) {
    const bool is_drive = name.kind == VmxDeviceKind::drive;
    if (is_drive) {
      const std::string controller =
          fmt::format("{}{}.present", bus_name(name.address.bus), name.address.controller);
      if (!dictionary_.is_true(controller, true)) return false;
    }
    if (const VmxEntry* entry = value(device, "present")) return bool_value(*entry, false);
    // VMware's default: devices are there when the file says so, but floppy0 is there unless
    // it says otherwise. A controller is there when something hangs on it.
    switch (name.kind) {
      case VmxDeviceKind::floppy:
        return value(device, "filename") != nullptr;
      case VmxDeviceKind::controller:
        return has_drives(name.address);
      case VmxDeviceKind::usb_port:
        return true;
      default:
        break;
    }
    machine_.warnings.push_back({device.prefix, dictionary_.entries[device.keys.front().first].line,
                                 "no .present = \"TRUE\": the device is taken as absent"});
    return false;
  }

  bool has_drives(const Address& controller) const {
    const VmxDeviceName first{VmxDeviceKind::drive, {controller.bus, controller.controller, 0}};
    const auto drive = devices_.lower_bound(first);
    return drive != devices_.end() && drive->first.kind == VmxDeviceKind::drive &&
           drive->first.address.bus == controller.bus &&
           drive->first.address.controller == controller.controller;
  }

  R controller(const VmxDeviceName& name, const VmxDevice& device) {
    Controller controller{.bus = name.address.bus,
                          .index = name.address.controller,
                          .model = {},
                          .sharing = {},
                          .pci_slot = {}};
    const auto index = static_cast<std::uint32_t>(machine_.controllers.size());
    VMLIFT_CHECK(read_keys(kControllerKeys, controller, device, dictionary_, machine_, index,
                           Aspect::unknown));
    if (controller.bus == Bus::sata && controller.model.empty()) controller.model = "ahci";
    if (controller.bus == Bus::nvme && controller.model.empty()) controller.model = "nvme";
    machine_.controllers.push_back(std::move(controller));
    return {};
  }

  R drive(const VmxDeviceName& name, const VmxDevice& device) {
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

  R medium(const VmxDeviceName& name, const VmxDevice& device, const RawDrive& raw,
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

  R floppy(const VmxDeviceName& name, const VmxDevice& device) {
    RawDrive raw;
    VMLIFT_CHECK(read_keys(kDriveKeys, raw, device, dictionary_, machine_, 0, Aspect::medium));
    return medium(name, device, raw, Medium::Kind::floppy);
  }

  R nic(const VmxDeviceName& name, const VmxDevice& device) {
    RawNic raw;
    const auto index = static_cast<std::uint32_t>(machine_.nics.size());
    VMLIFT_CHECK(read_keys(kNicKeys, raw, device, dictionary_, machine_, index, Aspect::unknown));
    Nic& nic = raw.nic;
    nic.index = name.address.controller;
    // addressType says which of the two addresses counts; peers that read only one of them
    // lose every MAC set by hand.
    const bool fixed = raw.address_type == "static" || raw.generated_address.empty();
    const std::string& address =
        fixed && !trim(raw.fixed_address).empty() ? raw.fixed_address : raw.generated_address;
    if (!trim(address).empty()) {
      if (const auto mac = parse_mac(address)) {
        nic.mac = *mac;
      } else {
        const VmxEntry* entry =
            value(device, &address == &raw.fixed_address ? "address" : "generatedaddress");
        if (entry != nullptr) return bad_value(*entry, "a MAC address");
      }
    }
    if (raw.address_type == "static")
      nic.mac_class = Nic::MacClass::fixed;
    else if (raw.address_type == "vpx")
      nic.mac_class = Nic::MacClass::manager;
    else if (raw.address_type == "generated")
      nic.mac_class = Nic::MacClass::generated;
    else
      nic.mac_class = mac_class_of(nic.mac);
    if (nic.network.kind.empty() && !nic.network.switch_id.empty()) nic.network.kind = "dvs";
    // udev names a hot-pluggable slot by its number, which VMware shows the guest as it is.
    if (nic.pci_slot) nic.guest_name = fmt::format("ens{}", *nic.pci_slot);
    machine_.nics.push_back(std::move(nic));
    return {};
  }

  R port(const VmxDeviceName& name, const VmxDevice& device, std::vector<Port>& ports,
         Aspect aspect) {
    Port port;
    port.index = name.address.controller;
    const auto index = static_cast<std::uint32_t>(ports.size());
    VMLIFT_CHECK(read_keys(kPortKeys, port, device, dictionary_, machine_, index, aspect));
    tag(device, machine_, aspect, index);
    ports.push_back(std::move(port));
    return {};
  }

  R sound(const VmxDevice& device) {
    tag(device, machine_, Aspect::sound, 0);
    const VmxEntry* model = value(device, "virtualdev");
    machine_.sound = model != nullptr ? lower(trim(model->value)) : "es1371";
    return {};
  }

  R usb_port(const VmxDevice& device) {
    tag(device, machine_, Aspect::usb_device, 0);
    return {};
  }

  R passthrough(const VmxDevice& device) {
    const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
    tag(device, machine_, Aspect::passthrough, index);
    const VmxEntry* vgpu = value(device, "vgpu");
    const VmxEntry* id = value(device, "id");
    if (id == nullptr) id = value(device, "deviceid");
    machine_.passthrough.push_back({vgpu != nullptr ? "vgpu" : "pci", vgpu != nullptr ? vgpu->value
                                                                      : id != nullptr
                                                                          ? id->value
                                                                          : device.prefix});
    return {};
  }

  const VmxDictionary& dictionary_;
  const VmxDevices& devices_;
  Machine& machine_;
};

struct Prefix {
  std::string_view name;
  VmxDeviceKind kind;
  Bus bus = Bus::scsi;
  bool units = false;  ///< "scsi0:1": a drive; "scsi0": its controller
};
constexpr Prefix kPrefixes[] = {
    {"scsi", VmxDeviceKind::controller, Bus::scsi, true},
    {"sata", VmxDeviceKind::controller, Bus::sata, true},
    {"nvme", VmxDeviceKind::controller, Bus::nvme, true},
    {"ide", VmxDeviceKind::controller, Bus::ide, true},
    {"floppy", VmxDeviceKind::floppy, Bus::floppy},
    {"ethernet", VmxDeviceKind::nic},
    {"serial", VmxDeviceKind::serial},
    {"parallel", VmxDeviceKind::parallel},
    {"sound", VmxDeviceKind::sound},
    {"pcipassthru", VmxDeviceKind::passthrough},
    {"usb", VmxDeviceKind::usb_port, Bus::usb, true},
    {"usb_xhci", VmxDeviceKind::usb_port, Bus::usb, true},
};

}  // namespace

std::optional<std::pair<VmxDeviceName, std::string>> vmx_device_of(std::string_view lower) {
  // "sched.scsi0:0.shares" belongs to the disk as "scsi0:0.shares" would.
  if (lower.starts_with("sched.") && lower.find(':') != std::string_view::npos)
    lower.remove_prefix(std::string_view("sched.").size());
  const auto dot = lower.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view device = lower.substr(0, dot);
  for (const Prefix& prefix : kPrefixes) {
    if (!device.starts_with(prefix.name)) continue;
    std::string_view rest = device.substr(prefix.name.size());
    const auto colon = rest.find(':');
    std::optional<std::uint64_t> number = parse_unsigned(rest.substr(0, colon));
    if (rest.substr(0, colon).empty()) number = 0;
    if (!number || *number > 0xffff) continue;
    VmxDeviceName name{prefix.kind, {prefix.bus, static_cast<std::uint32_t>(*number), 0}};
    if (colon != std::string_view::npos) {
      const auto unit = parse_unsigned(rest.substr(colon + 1));
      if (!prefix.units || !unit || *unit > 0xffff) continue;
      name.address.unit = static_cast<std::uint32_t>(*unit);
      if (prefix.kind == VmxDeviceKind::controller) name.kind = VmxDeviceKind::drive;
    } else if (prefix.kind == VmxDeviceKind::usb_port) {
      continue;  // "usb.present" is the controller, a key of the machine
    } else if (rest.empty() && prefix.kind != VmxDeviceKind::sound) {
      continue;
    }
    return std::pair{name, std::string(lower.substr(dot + 1))};
  }
  return std::nullopt;
}

Result<void> read_vmx_devices(const VmxDictionary& dictionary, const VmxDevices& devices,
                              Machine& machine) {
  DeviceReader reader(dictionary, devices, machine);
  for (const auto& [name, device] : devices) VMLIFT_CHECK(reader.read(name, device));
  return {};
}

}  // namespace vmlift::vm
