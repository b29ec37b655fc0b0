// Which device a key belongs to, and whether the device is there.
#include <fmt/format.h>

#include "vm/scalar.hpp"
#include "vm/vmx/device_reader.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

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

Result<void> read_slot(std::optional<std::uint32_t>& slot, const VmxEntry& e) {
  // -1: VMware has not chosen one yet.
  VMLIFT_TRY(const std::int64_t number, signed_value(e));
  if (number >= 0 && number <= 0xffff) slot = static_cast<std::uint32_t>(number);
  return {};
}

void tag(const VmxDevice& device, Machine& machine, Aspect aspect, std::uint32_t index,
         std::string_view note) {
  for (const auto& [at, rest] : device.keys) {
    SourceKey& key = machine.keys[at];
    if (key.aspect == Aspect::bookkeeping) continue;
    key.aspect = aspect;
    key.device = index;
    if (!note.empty()) key.note = note;
  }
}

Result<void> DeviceReader::read(const VmxDeviceName& name, const VmxDevice& device) {
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

const VmxEntry* DeviceReader::value(const VmxDevice& device, std::string_view rest) const {
  for (const auto& [at, name] : device.keys)
    if (name == rest && !dictionary_.entries[at].duplicate) return &dictionary_.entries[at];
  return nullptr;
}

bool DeviceReader::present(const VmxDeviceName& name, const VmxDevice& device) {
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

bool DeviceReader::has_drives(const Address& controller) const {
  const VmxDeviceName first{VmxDeviceKind::drive, {controller.bus, controller.controller, 0}};
  const auto drive = devices_.lower_bound(first);
  return drive != devices_.end() && drive->first.kind == VmxDeviceKind::drive &&
         drive->first.address.bus == controller.bus &&
         drive->first.address.controller == controller.controller;
}

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
