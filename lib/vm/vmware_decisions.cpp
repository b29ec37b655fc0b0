#include "vm/vmware_decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint32_t kSwappedFromHardware = 13;  // see vmx/reader.cpp
constexpr std::string_view kVmwareScsi[] = {"buslogic", "lsilogic", "lsisas1068", "pvscsi"};
constexpr std::string_view kVmwareNics[] = {"vmxnet3", "vmxnet2",  "vmxnet", "e1000", "e1000e",
                                            "vlance",  "flexible", "pvrdma", "sriov"};

bool is_vmware(const Machine& machine) { return machine.hardware_version.has_value(); }

Choice hardware_version(const Situation& s) {
  if (s.machine.hardware_version)
    return {std::to_string(*s.machine.hardware_version), "as the source"};
  return {"19", "what vSphere 7.0 U2 and later run"};
}
Choice guest_os(const Situation& s) {
  if (!s.machine.guest_os.id.empty()) return {s.machine.guest_os.id, "as the source"};
  return {"other-64", "the source does not say"};
}
Choice firmware(const Situation& s) {
  if (!s.machine.firmware.type)
    return {"bios", "the source does not say; check for an EFI system partition on the boot disk"};
  return {*s.machine.firmware.type == Firmware::Type::efi ? "efi" : "bios", "as the source"};
}
Choice scsi_model(const Situation& s) {
  if (is_vmware(s.machine)) return {"source", "the source has VMware's controllers"};
  if (s.family == GuestFamily::windows && s.profile != Profile::tuned)
    return {"lsisas1068", "a Windows guest without VMware Tools has no driver for pvscsi"};
  return {"pvscsi", "what VMware recommends, and Linux knows"};
}
Choice nic_model(const Situation& s) {
  if (is_vmware(s.machine)) return {"source", "the source has VMware's cards"};
  if (s.family == GuestFamily::windows && s.profile != Profile::tuned)
    return {"e1000e", "a Windows guest without VMware Tools has no driver for vmxnet3"};
  return {"vmxnet3", "what VMware recommends, and Linux knows"};
}

constexpr DecisionRule kRules[] = {
    {"hardware-version", "VERSION|19", "VMware's virtual hardware", hardware_version},
    {"guest-os", "ID|other-64", "the guest's system, as VMX names it", guest_os},
    {"firmware", "bios|efi", "what the guest boots with", firmware},
    {"scsi-model", "source|pvscsi|lsilogic|lsisas1068|buslogic", "the SCSI controllers",
     scsi_model},
    {"nic-model", "source|vmxnet3|e1000e|e1000|vlance", "the network cards", nic_model},
};

bool vmware_has(const Drive& disk) {
  const Bus bus = disk.address.bus;
  return bus == Bus::scsi || bus == Bus::sata || bus == Bus::ide || bus == Bus::nvme;
}

/// A place on the bus that nothing has taken. Unit 7 is the SCSI controller itself.
Address free_place(Bus bus, std::set<Address>& taken) {
  const std::uint32_t units = bus == Bus::scsi   ? 16
                              : bus == Bus::sata ? 30
                              : bus == Bus::ide  ? 2
                                                 : 15;
  for (std::uint32_t controller = 0;; ++controller)
    for (std::uint32_t unit = 0; unit < units; ++unit)
      if (!(bus == Bus::scsi && unit == 7) && taken.insert({bus, controller, unit}).second)
        return {bus, controller, unit};
}

}  // namespace

std::vector<DecisionRule> vmware_decisions() { return {std::begin(kRules), std::end(kRules)}; }

std::vector<VmwareDrive> plan_vmware_drives(const Machine& machine, const Decisions& decisions) {
  std::set<Address> taken;
  for (const Drive& disk : machine.disks)
    if (vmware_has(disk)) taken.insert(disk.address);
  for (const Medium& medium : machine.media)
    if (medium.kind == Medium::Kind::cdrom) taken.insert(medium.address);
  const auto model_of = [&](const Address& address) -> std::string {
    if (address.bus == Bus::sata) return "ahci";
    if (address.bus == Bus::nvme) return "nvme";
    if (address.bus != Bus::scsi) return "";
    if (!decisions.is("scsi-model", "source")) return decisions["scsi-model"];
    for (const Controller& controller : machine.controllers)
      if (controller.bus == Bus::scsi && controller.index == address.controller) {
        const bool known =
            controller.model.empty() ||
            std::ranges::find(kVmwareScsi, controller.model) != std::end(kVmwareScsi);
        return known ? controller.model : "pvscsi";
      }
    return "";
  };
  std::vector<VmwareDrive> drives;
  for (const Drive& disk : machine.disks) {
    const Address address =
        vmware_has(disk) ? disk.address
                         : free_place(disk.address.bus == Bus::usb ? Bus::sata : Bus::scsi, taken);
    drives.push_back({address, model_of(address)});
  }
  for (const Medium& medium : machine.media) {
    Address address = medium.address;
    const bool usable =
        address.bus == Bus::ide || address.bus == Bus::sata || address.bus == Bus::scsi;
    if (medium.kind == Medium::Kind::cdrom && !usable) address = free_place(Bus::sata, taken);
    drives.push_back({address, model_of(address)});
  }
  return drives;
}

std::vector<Controller> vmware_controllers(const Machine& machine,
                                           const std::vector<VmwareDrive>& drives) {
  std::vector<Controller> controllers;
  const auto add = [&](Bus bus, std::uint32_t index, const std::string& model) {
    for (const Controller& known : controllers)
      if (known.bus == bus && known.index == index) return;
    controllers.push_back({.bus = bus, .index = index, .model = model});
    for (const Controller& source : machine.controllers)
      if (source.bus == bus && source.index == index) {
        controllers.back().sharing = source.sharing;
        controllers.back().pci_slot = source.pci_slot;
      }
  };
  for (const VmwareDrive& drive : drives)
    if (drive.address.bus != Bus::floppy)
      add(drive.address.bus, drive.address.controller, drive.controller_model);
  for (const Controller& source : machine.controllers) {
    const bool vmware_model = source.bus == Bus::scsi &&
                              std::ranges::find(kVmwareScsi, source.model) != std::end(kVmwareScsi);
    if (vmware_model || source.model == "nvme" || source.model == "ahci")
      add(source.bus, source.index, source.model);
  }
  std::ranges::sort(controllers, {}, [](const Controller& c) { return std::pair(c.bus, c.index); });
  return controllers;
}

std::string vmware_nic_model(const Nic& nic, const Decisions& decisions) {
  const std::string& decided = decisions["nic-model"];
  if (decided != "source") return decided;
  if (nic.model.empty() || std::ranges::find(kVmwareNics, nic.model) != std::end(kVmwareNics))
    return nic.model;
  return nic.model.starts_with("pcnet")    ? "vlance"
         : nic.model.starts_with("virtio") ? "vmxnet3"
                                           : "e1000e";
}

const std::string& vmware_network_name(const NetworkTarget& target) {
  if (!target.portgroup.empty()) return target.portgroup;
  return target.network.empty() ? target.bridge : target.network;
}

Uuid vmware_bios_uuid(const Machine& machine, const Decisions& decisions) {
  if (!machine.identity.smbios_uuid) return {};
  const bool windows = guest_family({.id = decisions["guest-os"]}) == GuestFamily::windows;
  const bool swapped =
      windows || parse_unsigned(decisions["hardware-version"]).value_or(0) >= kSwappedFromHardware;
  const Uuid visible = machine.identity.smbios_uuid->guest_visible();
  return swapped ? visible.fields_swapped() : visible;
}

std::string vmware_serial(const Uuid& stored) {
  std::string serial = "VMware-";
  for (std::size_t at = 0; at < stored.bytes.size(); ++at)
    serial += fmt::format("{}{:02x}", at == 0 ? "" : at == 8 ? "-" : " ", stored.bytes[at]);
  return serial;
}

}  // namespace vmlift::vm
