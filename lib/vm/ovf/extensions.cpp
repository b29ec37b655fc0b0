#include "vm/ovf/extensions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.hpp"
#include "vm/ovf/envelope.hpp"
#include "vm/scalar.hpp"
#include "vm/vmx/device_keys.hpp"
#include "vm/vmx/machine_keys.hpp"

namespace vmlift::vm {
namespace {

/// A vmw:Config of the hardware section: keys are the properties of vSphere's ConfigSpec.
struct Setting {
  std::string_view key;  ///< lower case; a '*' at the end stands for any rest
  Aspect aspect;
  bool (*read)(Machine& machine, std::string_view value) = nullptr;  ///< false: no such value
};

using M = Machine;
using V = std::string_view;

#define BOOL(member)              \
  [](M& m, V v) {                 \
    const auto b = parse_bool(v); \
    if (b) m.member = *b;         \
    return b.has_value();         \
  }
#define TEXT(member) \
  [](M& m, V v) {    \
    m.member = v;    \
    return true;     \
  }

constexpr Setting kSettings[] = {
    {"firmware", Aspect::firmware,
     [](M& m, V v) {
       if (equal_ignoring_case(v, "efi"))
         m.firmware.type = Firmware::Type::efi;
       else if (equal_ignoring_case(v, "bios"))
         m.firmware.type = Firmware::Type::bios;
       else
         return false;
       return true;
     }},
    {"bootoptions.efisecurebootenabled", Aspect::secure_boot, BOOL(firmware.secure_boot)},
    {"uefi.secureboot.enabled", Aspect::secure_boot, BOOL(firmware.secure_boot)},
    {"bootoptions.*", Aspect::boot_order},
    {"uuid", Aspect::smbios_uuid,
     [](M& m, V v) {
       const auto uuid = parse_uuid(v);
       if (uuid) m.identity.smbios_uuid = SmbiosUuid{*uuid, false};
       return uuid.has_value();
     }},
    {"instanceuuid", Aspect::instance_uuid,
     [](M& m, V v) {
       m.identity.instance_uuid = parse_uuid(v);
       return m.identity.instance_uuid.has_value();
     }},
    {"cpuhotaddenabled", Aspect::cpu_hot_add, BOOL(cpu.hot_add)},
    {"cpuhotremoveenabled", Aspect::cpu_hot_add, BOOL(cpu.hot_remove)},
    {"memoryhotaddenabled", Aspect::memory_hot_add, BOOL(memory.hot_add)},
    {"memoryreservationlockedtomax", Aspect::memory_pinned, BOOL(memory.pinned)},
    {"nestedhvenabled", Aspect::cpu_nested, BOOL(cpu.nested)},
    {"flags.vbsenabled", Aspect::cpu_vbs, BOOL(cpu.vbs)},
    {"flags.vvtdenabled", Aspect::cpu_iommu, BOOL(cpu.iommu)},
    {"vpmcenabled", Aspect::cpu_mask},
    {"simultaneousthreads", Aspect::cpu_topology},
    {"cpuallocation.shares.level", Aspect::cpu_shares, TEXT(cpu.allocation.shares)},
    {"cpuallocation.shares.*", Aspect::cpu_shares},
    {"cpuallocation.*", Aspect::cpu_allocation},
    {"memoryallocation.shares.level", Aspect::memory_shares, TEXT(memory.allocation.shares)},
    {"memoryallocation.shares.*", Aspect::memory_shares},
    {"memoryallocation.*", Aspect::memory_allocation},
    {"latencysensitivity.*", Aspect::cpu_latency},
    {"tools.synctimewithhost*", Aspect::clock_sync},
    {"tools.*", Aspect::tools},
    {"poweropinfo.*", Aspect::bookkeeping},
    {"changetrackingenabled", Aspect::disk_tracking},
    {"virtualich7mpresent", Aspect::vmware_device},
    {"virtualsmcpresent", Aspect::vmware_device},
    {"fixedpassthruhotplugenabled", Aspect::vmware_device},
    {"flags.*", Aspect::bookkeeping},
    {"nvram", Aspect::nvram, TEXT(firmware.nvram)},
};
#undef BOOL
#undef TEXT

const Setting* find_setting(std::string_view key) {
  const auto row = std::ranges::find_if(kSettings, [&](const Setting& setting) {
    if (!setting.key.ends_with('*')) return setting.key == key;
    return key.starts_with(setting.key.substr(0, setting.key.size() - 1));
  });
  return row == std::end(kSettings) ? nullptr : &*row;
}

/// An ExtraConfig is a line of the VMX that the machine had.
Result<void> read_vmx_line(XmlDocument& document, pugi::xml_node node, const std::string& key,
                           const std::string& value, Machine& machine) {
  const VmxEntry entry{key, lower(key), value, document.line(node), false};
  if (const auto device = vmx_device_of(entry.lower)) {
    const auto& [name, rest] = *device;
    const std::uint32_t index = name.address.controller;
    if (name.kind == VmxDeviceKind::nic && rest == "pcislotnumber" && index < machine.nics.size()) {
      if (const auto slot = parse_unsigned(value); slot && *slot <= 0xffff) {
        machine.nics[index].pci_slot = static_cast<std::uint32_t>(*slot);
        machine.nics[index].guest_name = fmt::format("ens{}", *slot);
      }
      document.claim_as(node, key, value, Aspect::nic_slot, index);
    } else {
      document.claim_as(node, key, value, Aspect::vmware_device);
    }
    return {};
  }
  const VmxMachineKey* row = find_vmx_machine_key(entry.lower);
  document.claim_as(node, key, value, row == nullptr ? Aspect::unknown : row->aspect);
  if (row == nullptr) machine.extra.push_back({.key = key, .value = value});
  if (row == nullptr || row->read == nullptr) return {};
  if (auto read = row->read(machine, entry); !read)
    return fail(ErrorCode::BadOvf, "ExtraConfig: {}", read.error().message());
  return {};
}

}  // namespace

bool is_vmware_setting(pugi::xml_node node, std::string& key, std::string& value) {
  const std::string_view name = local_name(node);
  if (name != "Config" && name != "ExtraConfig") return false;
  key = attribute_of(node, "key").value();
  value = attribute_of(node, "value").value();
  return !key.empty();
}

Result<void> read_vmware_settings(XmlDocument& document, pugi::xml_node hardware,
                                  Machine& machine) {
  std::string key;
  std::string value;
  for (const auto node : hardware.children()) {
    if (!is_vmware_setting(node, key, value)) continue;
    const Setting* setting = find_setting(lower(key));
    if (local_name(node) == "ExtraConfig" || setting == nullptr) {
      VMLIFT_CHECK(read_vmx_line(document, node, key, value, machine));
      continue;
    }
    document.claim_as(node, key, value, setting->aspect);
    if (setting->read != nullptr && !setting->read(machine, trim(value)))
      return bad_ovf(document, node, fmt::format("{} = \"{}\" is no possible value", key, value));
  }
  return {};
}

void read_virtualbox_machine(XmlDocument& document, pugi::xml_node system, Machine& machine) {
  const auto box = child_of(system, "Machine");
  if (!box) return;
  const auto hardware = child_of(box, "Hardware");
  if (const auto firmware = attribute_of(child_of(hardware, "Firmware"), "type")) {
    const bool efi = starts_with_ignoring_case(firmware.value(), "efi");
    machine.firmware.type = efi ? Firmware::Type::efi : Firmware::Type::bios;
    document.claim(firmware, Aspect::firmware);
  } else if (!machine.firmware.type) {
    machine.firmware.type = Firmware::Type::bios;  // VirtualBox' default, which it leaves out
  }
  if (const auto rtc = attribute_of(child_of(hardware, "RTC"), "localOrUTC")) {
    machine.clock.base =
        std::string_view(rtc.value()) == "UTC" ? Clock::Base::utc : Clock::Base::local_time;
    document.claim(rtc, Aspect::clock);
  }
  if (const auto uuid = attribute_of(box, "uuid")) {
    const auto little = attribute_of(child_of(hardware, "SmbiosUuidLittleEndian"), "enabled");
    if (const auto parsed = parse_uuid(uuid.value()))
      machine.identity.smbios_uuid =
          SmbiosUuid{*parsed, !parse_bool(little.value()).value_or(false)};
    document.claim(uuid, Aspect::smbios_uuid);
    document.claim(little, Aspect::smbios_uuid);
  }
  std::uint32_t index = 0;
  for (const auto adapter : children_of(child_of(hardware, "Network"), "Adapter")) {
    if (!parse_bool(attribute_of(adapter, "enabled").value()).value_or(false)) continue;
    const auto address = attribute_of(adapter, "MACAddress");
    if (index < machine.nics.size() && machine.nics[index].mac.empty()) {
      if (const auto mac = parse_mac(address.value())) machine.nics[index].mac = *mac;
      document.claim(address, Aspect::nic_mac, index);
    }
    ++index;
  }
  document.claim_rest(box, Aspect::bookkeeping, 0, "VirtualBox' own copy of the definition");
}

}  // namespace vmlift::vm
