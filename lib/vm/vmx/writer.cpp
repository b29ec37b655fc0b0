// Writes a VMX file that ESXi and Workstation take.
#include <algorithm>
#include <iterator>

#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/vmx_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "displayName"},
    {Aspect::annotation, LossStatus::kept, "annotation"},
    {Aspect::smbios_uuid, LossStatus::kept, "uuid.bios"},
    {Aspect::instance_uuid, LossStatus::kept, "vc.uuid"},
    {Aspect::serial_number, LossStatus::kept, "serialNumber"},
    {Aspect::generation_id, LossStatus::kept, "vm.genid"},
    {Aspect::guest_os, LossStatus::mapped, "guestOS"},
    {Aspect::hardware_version, LossStatus::kept, "virtualHW.version"},
    {Aspect::firmware, LossStatus::kept, "firmware"},
    {Aspect::secure_boot, LossStatus::kept, "uefi.secureBoot.enabled"},
    {Aspect::nvram, LossStatus::dropped, "VMware makes a new variable store"},
    {Aspect::boot_order, LossStatus::mapped, "bios.hddOrder"},
    {Aspect::clock, LossStatus::mapped, "rtc.diffFromUTC"},
    {Aspect::clock_sync, LossStatus::kept, "tools.syncTime"},
    {Aspect::guestinfo, LossStatus::kept, "guestinfo"},
    {Aspect::cpu_count, LossStatus::kept, "numvcpus"},
    {Aspect::cpu_topology, LossStatus::kept, "cpuid.coresPerSocket"},
    {Aspect::cpu_hot_add, LossStatus::kept, "vcpu.hotadd"},
    {Aspect::cpu_nested, LossStatus::kept, "vhv.enable"},
    {Aspect::cpu_iommu, LossStatus::kept, "vvtd.enable"},
    {Aspect::cpu_vbs, LossStatus::kept, "windows.vbs.enabled"},
    {Aspect::hpet, LossStatus::kept, "hpet0.present"},
    {Aspect::cpu_affinity, LossStatus::kept, "sched.cpu.affinity"},
    {Aspect::cpu_allocation, LossStatus::kept, "sched.cpu"},
    {Aspect::cpu_shares, LossStatus::kept, "sched.cpu.shares"},
    {Aspect::cpu_latency, LossStatus::kept, "sched.cpu.latencySensitivity"},
    {Aspect::memory_size, LossStatus::kept, "memSize"},
    {Aspect::memory_hot_add, LossStatus::kept, "mem.hotadd"},
    {Aspect::memory_allocation, LossStatus::kept, "sched.mem"},
    {Aspect::memory_shares, LossStatus::kept, "sched.mem.shares"},
    {Aspect::memory_pinned, LossStatus::kept, "sched.mem.pin"},
    {Aspect::controller, LossStatus::mapped, "controllers"},
    {Aspect::controller_model, LossStatus::mapped, "virtualDev"},
    {Aspect::controller_sharing, LossStatus::kept, "sharedBus"},
    {Aspect::controller_slot, LossStatus::kept, "pciSlotNumber"},
    {Aspect::disk, LossStatus::mapped, "disks"},
    {Aspect::disk_source, LossStatus::mapped, "fileName"},
    {Aspect::disk_mode, LossStatus::kept, "mode"},
    {Aspect::disk_capacity, LossStatus::kept, "the disk's own size"},
    {Aspect::disk_serial, LossStatus::dropped,
     "VMware makes serial numbers of the disk's own UUID"},
    {Aspect::disk_sharing, LossStatus::kept, "sharing"},
    {Aspect::disk_tracking, LossStatus::kept, "ctkEnabled"},
    {Aspect::disk_uuid, LossStatus::kept, "disk.EnableUUID"},
    {Aspect::disk_io, LossStatus::kept, "sched"},
    {Aspect::disk_shares, LossStatus::kept, "sched"},
    {Aspect::disk_raw_mapping, LossStatus::needs_action,
     "map the LUN at the target, or use the copied disk"},
    {Aspect::disk_boot, LossStatus::mapped, "bios.hddOrder"},
    {Aspect::medium, LossStatus::mapped, "media"},
    {Aspect::medium_source, LossStatus::mapped, "fileName"},
    {Aspect::medium_connected, LossStatus::kept, "startConnected"},
    {Aspect::nic, LossStatus::mapped, "ethernet"},
    {Aspect::nic_mac, LossStatus::kept, "address"},
    {Aspect::nic_mac_class, LossStatus::mapped, "addressType"},
    {Aspect::nic_model, LossStatus::mapped, "virtualDev"},
    {Aspect::nic_network, LossStatus::mapped, "networkName"},
    {Aspect::nic_slot, LossStatus::kept, "pciSlotNumber"},
    {Aspect::nic_connected, LossStatus::kept, "startConnected"},
    {Aspect::nic_wake, LossStatus::kept, "wakeOnPcktRcv"},
    {Aspect::serial_port, LossStatus::mapped, "serial"},
    {Aspect::parallel_port, LossStatus::mapped, "parallel"},
    {Aspect::usb, LossStatus::mapped, "usb"},
    {Aspect::sound, LossStatus::mapped, "sound"},
    {Aspect::video, LossStatus::mapped, "svga"},
    {Aspect::watchdog, LossStatus::dropped, "VMware's watchdog is part of its Tools"},
};

}  // namespace

Written VmxWriter::write() {
  set(".encoding", "UTF-8");
  set("config.version", "8");
  set("virtualHW.version", decisions_["hardware-version"]);
  identity();
  processors();
  memory();
  firmware();
  bridges();
  storage();
  for (std::size_t at = 0; at < machine_.nics.size(); ++at) nic(at);
  ports(machine_.serials, "serial");
  ports(machine_.parallels, "parallel");
  other_devices();
  for (const Property& value : machine_.guestinfo)
    if (is_key(value.key)) set("guestinfo." + value.key, value.value);
  same_keys();
  return {std::move(text_), account_.entries(machine_)};
}

bool VmxWriter::is_key(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && c != '=' && c != '"' && c != '#';
  });
}

void VmxWriter::same_keys() {
  if (request_.definition.dialect != "vmx") return;
  constexpr Aspect kSame[] = {Aspect::unknown,  Aspect::tools,        Aspect::vmware_device,
                              Aspect::cpu_mask, Aspect::numa,         Aspect::clock_start,
                              Aspect::watchdog, Aspect::shared_folder};
  for (const SourceKey& key : machine_.keys)
    if (std::ranges::find(kSame, key.aspect) != std::end(kSame) &&
        !written_.contains(lower(key.key)))
      set(key.key, key.value);
  for (const Aspect aspect : kSame) account_.tell(aspect, kept("the same key"));
}

std::span<const AspectRule> vmx_account_rules() { return kRules; }

Result<Written> write_vmx(const WriteRequest& request) { return VmxWriter(request).write(); }

}  // namespace vmlift::vm
