// What to know or to solve before a machine is moved: one rule for each concern.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "vm/guest_os.hpp"
#include "vm/scalar.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {
namespace {

/// Says where a rule applies: once for each key it hands on.
using Tell = std::function<void(std::string key, std::string message)>;

struct ConcernRule {
  std::string_view id;
  Severity severity;
  void (*find)(const Machine& machine, const Tell& tell);
  std::string_view action;
};

using M = Machine;
using enum Severity;

constexpr ConcernRule kRules[] = {
    {"machine.encrypted", blocker,
     [](const M& m, const Tell& tell) {
       if (m.encrypted) tell("encryption", "the machine is encrypted");
     },
     "remove the encryption in VMware before the migration"},
    {"machine.suspended", blocker,
     [](const M& m, const Tell& tell) {
       if (m.suspended)
         tell("checkpoint.vmState", "the machine is suspended; its memory cannot be moved");
     },
     "resume the machine and shut it down"},
    {"disk.none", warning,
     [](const M& m, const Tell& tell) {
       if (m.disks.empty() && !m.encrypted) tell("disks", "the machine has no disk");
     },
     "make sure that the definition is complete"},
    {"disk.raw-mapping", blocker,
     [](const M& m, const Tell& tell) {
       for (const Drive& disk : m.disks)
         if (disk.backing == Drive::Backing::raw_mapping)
           tell(disk.address.text(), "the disk is a mapping of a raw device");
     },
     "convert it to a virtual disk, or attach the LUN to the target host"},
    {"disk.shared", blocker,
     [](const M& m, const Tell& tell) {
       for (const Drive& disk : m.disks)
         if (disk.shared) tell(disk.address.text(), "several machines write to the disk");
     },
     "migrate the machines together, onto storage that both reach"},
    {"controller.shared-bus", blocker,
     [](const M& m, const Tell& tell) {
       for (const Controller& controller : m.controllers)
         if (!controller.sharing.empty())
           tell(fmt::format("{}{}", bus_name(controller.bus), controller.index),
                "the bus is shared between machines");
     },
     "migrate the cluster as a whole"},
    {"disk.independent", warning,
     [](const M& m, const Tell& tell) {
       for (const Drive& disk : m.disks)
         if (starts_with_ignoring_case(disk.mode, "independent"))
           tell(disk.address.text(), "the disk is independent: snapshots leave it out");
     },
     "make it dependent, or migrate the machine switched off"},
    {"disk.change-tracking-off", info,
     [](const M& m, const Tell& tell) {
       for (const Drive& disk : m.disks)
         if (!disk.change_tracking && disk.format == "vmdk")
           tell(disk.address.text(), "changed block tracking is off");
     },
     "switch it on (ctkEnabled) for a migration with short downtime"},
    {"disk.blank", info,
     [](const M& m, const Tell& tell) {
       for (const Drive& disk : m.disks)
         if (!disk.source) tell(disk.address.text(), "the disk has no content yet");
     },
     "an empty disk is made at the target"},
    {"disk.serial", info,
     [](const M& m, const Tell& tell) {
       for (const SourceKey& key : m.keys)
         if (lower(key.key) == "disk.enableuuid" && parse_bool(key.value).value_or(false))
           tell(key.key, "the guest may find its disks by serial numbers");
     },
     "compare /dev/disk/by-id in the guest after the migration"},
    {"machine.snapshots", warning,
     [](const M& m, const Tell& tell) {
       for (const Snapshot& snapshot : m.snapshots)
         tell(snapshot.name, "a snapshot; only the current state is moved");
     },
     "delete the snapshots that are not needed: they slow the copy down"},
    {"device.passthrough", blocker,
     [](const M& m, const Tell& tell) {
       for (const Passthrough& device : m.passthrough)
         tell(device.description, fmt::format("a {} device of the host", device.kind));
     },
     "plan an equal device at the target, or do without"},
    {"nic.sriov", blocker,
     [](const M& m, const Tell& tell) {
       for (const Nic& nic : m.nics)
         if (nic.model == "sriov" || nic.model == "pvrdma" || nic.model == "sriovethernetcard")
           tell(fmt::format("ethernet{}", nic.index),
                fmt::format("a NIC of the kind {}", nic.model));
     },
     "plan an SR-IOV device at the target, or a virtio NIC"},
    {"nic.no-mac", warning,
     [](const M& m, const Tell& tell) {
       for (const Nic& nic : m.nics)
         if (nic.mac.empty())
           tell(fmt::format("ethernet{}", nic.index), "the definition states no MAC");
     },
     "look the MAC up at the source and set it at the target"},
    {"nic.foreign-mac", info,
     [](const M& m, const Tell& tell) {
       for (const Nic& nic : m.nics)
         if (nic.mac_class == Nic::MacClass::fixed && mac_class_of(nic.mac) != Nic::MacClass::fixed)
           tell(fmt::format("ethernet{}", nic.index),
                fmt::format("the static MAC {} is outside VMware's range", nic.mac));
     },
     "make sure that no other machine has the same MAC"},
    {"nic.duplicate-mac", warning,
     [](const M& m, const Tell& tell) {
       std::set<std::string> seen;
       for (const Nic& nic : m.nics)
         if (!nic.mac.empty() && !seen.insert(nic.mac).second)
           tell(fmt::format("ethernet{}", nic.index),
                fmt::format("another NIC has the MAC {} too", nic.mac));
     },
     "give one of them another MAC"},
    {"nic.guest-name", info,
     [](const M& m, const Tell& tell) {
       for (const Nic& nic : m.nics)
         if (!nic.guest_name.empty())
           tell(fmt::format("ethernet{}", nic.index),
                fmt::format("the guest probably calls it {}", nic.guest_name));
     },
     "names change with the slot: keep them by MAC in the guest"},
    {"tpm", warning,
     [](const M& m, const Tell& tell) {
       if (m.tpm) tell("vtpm", "the TPM's secrets cannot be moved");
     },
     "have the recovery keys of BitLocker or LUKS at hand"},
    {"firmware.secure-boot", info,
     [](const M& m, const Tell& tell) {
       if (m.firmware.secure_boot.value_or(false))
         tell("uefi.secureBoot.enabled", "secure boot is on; keys of its own are in the NVRAM");
     },
     "the target knows Microsoft's keys; enrol others anew"},
    {"firmware.unknown", warning,
     [](const M& m, const Tell& tell) {
       if (!m.firmware.type)
         tell("firmware", "the definition does not say whether it is BIOS or UEFI");
     },
     "look for an EFI system partition, then --set firmware=efi if there is one"},
    {"os.unknown", warning,
     [](const M& m, const Tell& tell) {
       if (guest_family(m.guest_os) == GuestFamily::unknown)
         tell("guestOS", fmt::format("the guest's system \"{}\" is not known", m.guest_os.id));
     },
     "find out what runs in it: devices are chosen by it"},
    {"os.unsupported", warning,
     [](const M& m, const Tell& tell) {
       const GuestFamily family = guest_family(m.guest_os);
       if (guest_is_legacy(m.guest_os) || family == GuestFamily::other ||
           family == GuestFamily::solaris)
         tell("guestOS",
              fmt::format("{} has no virtio drivers",
                          m.guest_os.description.empty() ? m.guest_os.id : m.guest_os.description));
     },
     "keep to the profile boot-safe or vmware-compat"},
    {"cpu.hot-add", info,
     [](const M& m, const Tell& tell) {
       if (m.cpu.hot_add) tell("vcpu.hotadd", "CPUs can be added while it runs");
     },
     "off at the target unless asked for: --set hot-add=yes"},
    {"memory.hot-add", info,
     [](const M& m, const Tell& tell) {
       if (m.memory.hot_add) tell("mem.hotadd", "memory can be added while it runs");
     },
     "off at the target unless asked for: --set hot-add=yes"},
    {"cpu.affinity", warning,
     [](const M& m, const Tell& tell) {
       if (!m.cpu.affinity.empty())
         tell("sched.cpu.affinity", "it is pinned to CPUs of the source host");
     },
     "choose CPUs of the target host"},
    {"cpu.topology", warning,
     [](const M& m, const Tell& tell) {
       const std::uint32_t cores = m.cpu.cores_per_socket.value_or(1);
       if (cores != 0 && m.cpu.count.value_or(1) % cores != 0)
         tell("cpuid.coresPerSocket",
              fmt::format("{} CPUs do not fill sockets of {}", m.cpu.count.value_or(1), cores));
     },
     "one socket with all of them is made"},
    {"cpu.nested", info,
     [](const M& m, const Tell& tell) {
       if (m.cpu.nested) tell("vhv.enable", "it runs virtual machines itself");
     },
     "switch nested virtualisation on at the target host"},
    {"resources.reserved", info,
     [](const M& m, const Tell& tell) {
       if (m.cpu.allocation.reservation) tell("sched.cpu.min", "CPU time is reserved for it");
       if (m.memory.allocation.reservation) tell("sched.mem.min", "memory is reserved for it");
     },
     "reserve at the target's scheduler"},
    {"usb.present", info,
     [](const M& m, const Tell& tell) {
       for (const SourceKey& key : m.keys)
         if (starts_with_ignoring_case(key.key, "usb:") && lower(key.key).ends_with(".devicetype"))
           tell(key.key, "a USB device is attached");
     },
     "attach it at the target, if it is still needed"},
    {"machine.name", info,
     [](const M& m, const Tell& tell) {
       const std::string& name = m.identity.name;
       const bool label = !name.empty() && name.size() <= 63 &&
                          std::ranges::all_of(name,
                                              [](char c) {
                                                return (c >= 'a' && c <= 'z') ||
                                                       (c >= '0' && c <= '9') || c == '-';
                                              }) &&
                          name.front() != '-' && name.back() != '-';
       if (!label) tell(name, "the name is no DNS label: KubeVirt gets a changed one");
     },
     "rename it, or refer to it by the changed name"},
    {"guestinfo", info,
     [](const M& m, const Tell& tell) {
       for (const Property& value : m.guestinfo)
         tell("guestinfo." + value.key, "the guest may read this value from VMware");
     },
     "hand it over by cloud-init's NoCloud"},
};

}  // namespace

std::vector<Concern> assess(const Definition& definition) {
  std::vector<Concern> concerns;
  for (const Severity severity : {blocker, warning, info}) {
    for (const Machine& machine : definition.machines) {
      for (const ConcernRule& rule : kRules) {
        if (rule.severity != severity) continue;
        rule.find(machine, [&](std::string key, std::string message) {
          concerns.push_back({machine.identity.name, rule.severity, std::string(rule.id),
                              std::move(key), std::move(message), std::string(rule.action)});
        });
      }
    }
  }
  return concerns;
}

}  // namespace vmlift::vm
