// Reads a VMX file: one machine.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/fail.hpp"
#include "vm/aspect.hpp"
#include "vm/guest_os.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/device_keys.hpp"
#include "vm/vmx/machine_keys.hpp"
#include "vm/vmx/vmx.hpp"

namespace vmlift::vm {
namespace {

// SMBIOS 2.6 and later store the first three fields of the UUID little-endian; VMware's
// machines moved to SMBIOS 2.7 with hardware version 13.
constexpr std::uint32_t kSwappedFromHardware = 13;
constexpr std::uint64_t kDefaultMemory = std::uint64_t{32} << 20;

/// "scsi0:0,scsi0:1": the order in which the firmware tries the disks.
void apply_disk_order(const VmxDictionary& dictionary, Machine& machine) {
  const VmxEntry* entry = dictionary.find("bios.hddorder");
  if (entry == nullptr) return;
  std::unordered_map<std::string, Drive*> disks;
  for (Drive& disk : machine.disks) disks.emplace(disk.address.text(), &disk);
  std::uint32_t order = 0;
  std::string_view rest = entry->value;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string name = lower(trim(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto disk = disks.find(name);
    if (disk != disks.end() && !disk->second->boot_order) disk->second->boot_order = ++order;
  }
}

/// What VMware takes for granted when a VMX does not say.
void fill_defaults(Machine& machine) {
  if (!machine.memory.size) machine.memory.size = kDefaultMemory;
  if (!machine.cpu.count) machine.cpu.count = 1;
  if (!machine.firmware.type) machine.firmware.type = Firmware::Type::bios;
  const std::string description = machine.guest_os.description;
  machine.guest_os.id = lower(trim(machine.guest_os.source_id));
  if (description.empty()) machine.guest_os.description = guest_os_description(machine.guest_os.id);
  if (machine.identity.smbios_uuid) {
    machine.identity.smbios_uuid->swapped =
        machine.hardware_version.value_or(0) >= kSwappedFromHardware ||
        guest_family(machine.guest_os) == GuestFamily::windows;
  }
  if (machine.identity.serial.empty() && machine.identity.smbios_uuid) {
    // What VMware shows unless serialNumber says otherwise.
    machine.identity.serial = vmware_serial(machine.identity.smbios_uuid->stored);
  }
}

}  // namespace

bool is_vmx(std::string_view text, std::string_view file_name) {
  if (lower(file_name).ends_with(".vmx")) return true;
  const std::string head = lower(text.substr(0, 64 << 10));
  return head.find("config.version") != std::string::npos ||
         head.find("virtualhw.version") != std::string::npos;
}

Result<Definition> parse_vmx(std::string_view text, const ParseOptions& options) {
  VMLIFT_TRY(const VmxDictionary dictionary, parse_vmx_dictionary(text, options.limits));
  if (dictionary.entries.empty())
    return fail(ErrorCode::BadVmx, "no line of the file is a key = \"value\"");
  Machine machine;
  machine.warnings = dictionary.warnings;
  VmxDevices devices;
  for (std::size_t at = 0; at < dictionary.entries.size(); ++at) {
    const VmxEntry& entry = dictionary.entries[at];
    machine.keys.push_back({entry.key, entry.value, entry.line, Aspect::unknown, 0, {}});
    SourceKey& key = machine.keys.back();
    if (entry.duplicate) {
      key.aspect = Aspect::bookkeeping;
      key.note = "a duplicate: the first line with this key counts";
      continue;
    }
    if (const auto device = vmx_device_of(entry.lower)) {
      VmxDevice& group = devices[device->first];
      if (group.prefix.empty())
        group.prefix = entry.key.substr(0, entry.key.size() - device->second.size() - 1);
      group.keys.emplace_back(at, device->second);
      continue;
    }
    const VmxMachineKey* row = find_vmx_machine_key(entry.lower);
    if (row == nullptr) {
      machine.extra.push_back({.key = entry.key, .value = entry.value});
      continue;
    }
    key.aspect = row->aspect;
    key.note = row->note;
    if (row->read != nullptr) VMLIFT_CHECK(row->read(machine, entry));
  }
  VMLIFT_CHECK(read_vmx_devices(dictionary, devices, machine));
  apply_disk_order(dictionary, machine);
  fill_defaults(machine);
  Definition definition;
  definition.dialect = "vmx";
  definition.machines.push_back(std::move(machine));
  return definition;
}

}  // namespace vmlift::vm
