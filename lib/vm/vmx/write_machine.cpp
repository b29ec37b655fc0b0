// Identity, processors, memory, firmware and clock in a VMX.
#include <fmt/format.h>

#include "vm/vmware_decisions.hpp"
#include "vm/vmx/vmx_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

}  // namespace

std::string VmxWriter::escaped_name(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (c == '/')
      text += "%2f";
    else if (c == '\\')
      text += "%5c";
    else if (c == '%')
      text += "%25";
    else
      text += c;
  }
  return text;
}

std::string VmxWriter::spaced(const Uuid& uuid) {
  std::string text;
  for (std::size_t at = 0; at < uuid.bytes.size(); ++at)
    text += fmt::format("{}{:02x}", at == 0 ? "" : at == 8 ? "-" : " ", uuid.bytes[at]);
  return text;
}

void VmxWriter::identity() {
  const Identity& identity = machine_.identity;
  set("displayName", escaped_name(identity.name));
  set_if("annotation", identity.annotation);
  set("guestOS", decisions_["guest-os"]);
  if (identity.smbios_uuid) {
    const Uuid uuid = vmware_bios_uuid(machine_, decisions_);
    set("uuid.bios", spaced(uuid));
    if (uuid != identity.smbios_uuid->stored)
      account_.tell(Aspect::smbios_uuid,
                    mapped("uuid.bios", "VMware shows the guest the first three fields swapped"));
  }
  if (identity.instance_uuid) set("vc.uuid", spaced(*identity.instance_uuid));
  const bool derived = identity.smbios_uuid &&
                       identity.serial == vmware_serial(vmware_bios_uuid(machine_, decisions_));
  if (!derived) set_if("serialNumber", identity.serial);
  if (identity.generation) {
    set_number("vm.genid", static_cast<std::int64_t>(identity.generation->low));
    set_number("vm.genidX", static_cast<std::int64_t>(identity.generation->high));
  }
}

void VmxWriter::processors() {
  const Cpu& cpu = machine_.cpu;
  const std::uint32_t count = cpu.count.value_or(1);
  set_number("numvcpus", count);
  if (cpu.cores_per_socket) {
    const std::uint64_t cores =
        std::uint64_t{*cpu.cores_per_socket} * cpu.threads_per_core.value_or(1);
    if (count % cores == 0 || machine_.hardware_version)
      set_number("cpuid.coresPerSocket", cores);
    else
      account_.tell(Aspect::cpu_topology,
                    dropped("the virtual CPUs cannot be divided into such sockets"));
  }
  if (cpu.hot_add) set("vcpu.hotadd", true);
  if (cpu.hot_remove) set("vcpu.hotremove", true);
  if (cpu.nested) set("vhv.enable", true);
  if (cpu.iommu) set("vvtd.enable", true);
  if (cpu.vbs) set("windows.vbs.enabled", true);
  set_if("sched.cpu.affinity", cpu.affinity);
  set_if("sched.cpu.latencySensitivity", cpu.latency_sensitivity);
  if (cpu.allocation.reservation) set_number("sched.cpu.min", *cpu.allocation.reservation);
  if (cpu.allocation.limit) set_number("sched.cpu.max", *cpu.allocation.limit);
  set_if("sched.cpu.shares", cpu.allocation.shares);
}

void VmxWriter::memory() {
  const Memory& memory = machine_.memory;
  const std::uint64_t size = memory.size.value_or(kMiB * 1024);
  set_number("memSize", size / kMiB + (size % kMiB != 0));
  if (memory.hot_add) set("mem.hotadd", true);
  if (memory.pinned) set("sched.mem.pin", true);
  if (memory.allocation.reservation)
    set_number("sched.mem.min", *memory.allocation.reservation / kMiB);
  if (memory.allocation.limit) set_number("sched.mem.max", *memory.allocation.limit / kMiB);
  set_if("sched.mem.shares", memory.allocation.shares);
}

void VmxWriter::firmware() {
  const bool efi = decisions_.is("firmware", "efi");
  set("firmware", efi ? "efi" : "bios");
  if (efi)
    set("uefi.secureBoot.enabled", machine_.firmware.secure_boot.value_or(false));
  else if (machine_.firmware.secure_boot)
    set("uefi.secureBoot.enabled", false);
  if (!machine_.firmware.nvram.empty() && machine_.hardware_version) {
    set("nvram", machine_.firmware.nvram);
    account_.tell(Aspect::nvram, kept("nvram"));
  }
  if (machine_.tpm) {
    set("managedVM.autoAddVTPM", "software");
    account_.tell(
        Aspect::tpm,
        needs_action(
            "have the recovery keys of BitLocker or LUKS at hand: VMware makes a new TPM when the machine is encrypted",
            "a TPM's secrets cannot be moved"));
  }
  const Clock& clock = machine_.clock;
  if (clock.offset)
    set_number("rtc.diffFromUTC", *clock.offset);
  else if (clock.base == Clock::Base::utc)
    set("rtc.diffFromUTC", "0");
  else if (clock.base == Clock::Base::local_time)
    account_.tell(Aspect::clock, dropped("the guest's own local time is VMware's default for it"));
  if (clock.sync_with_host) set("tools.syncTime", true);
  if (clock.hpet) set("hpet0.present", *clock.hpet);
  if (!machine_.boot_classes.empty()) {
    std::string order;
    for (const std::string& device : machine_.boot_classes)
      order += (order.empty() ? "" : ",") + (device == "disk"      ? std::string("hdd")
                                             : device == "network" ? "ethernet0"
                                                                   : device);
    set("bios.bootOrder", order);
  }
}

void VmxWriter::bridges() {
  set("pciBridge0.present", true);
  for (int bridge = 4; bridge <= 7; ++bridge) {
    set(fmt::format("pciBridge{}.present", bridge), true);
    set(fmt::format("pciBridge{}.virtualDev", bridge), "pcieRootPort");
    set(fmt::format("pciBridge{}.functions", bridge), "8");
  }
  set("vmci0.present", true);
}

}  // namespace vmlift::vm
