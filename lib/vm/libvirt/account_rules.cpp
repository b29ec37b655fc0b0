#include "vm/libvirt/account_rules.hpp"

namespace vmlift::vm {
namespace {

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "name"},
    {Aspect::annotation, LossStatus::kept, "description"},
    {Aspect::smbios_uuid, LossStatus::mapped, "uuid"},
    {Aspect::instance_uuid, LossStatus::mapped, "metadata/vmlift:source"},
    {Aspect::serial_number, LossStatus::kept, "sysinfo/system/entry[serial]"},
    {Aspect::generation_id, LossStatus::mapped, "genid"},
    {Aspect::guest_os, LossStatus::mapped, "metadata/libosinfo:libosinfo"},
    {Aspect::firmware, LossStatus::kept, "os/@firmware"},
    {Aspect::secure_boot, LossStatus::kept, "os/firmware/feature"},
    {Aspect::boot_order, LossStatus::mapped, "devices/disk/boot"},
    {Aspect::clock, LossStatus::mapped, "clock"},
    {Aspect::watchdog, LossStatus::mapped, "devices/watchdog"},
    {Aspect::cpu_count, LossStatus::kept, "vcpu"},
    {Aspect::cpu_topology, LossStatus::mapped, "cpu/topology"},
    {Aspect::cpu_features, LossStatus::dropped,
     "features follow from the CPU model, which is chosen anew: --set cpu"},
    {Aspect::cpu_nested, LossStatus::mapped, "cpu/@mode"},
    {Aspect::hpet, LossStatus::mapped, "clock/timer[hpet]"},
    {Aspect::memory_size, LossStatus::kept, "memory"},
    {Aspect::disk, LossStatus::mapped, "devices/disk"},
    {Aspect::disk_source, LossStatus::mapped, "devices/disk/source"},
    {Aspect::disk_mode, LossStatus::kept, "devices/disk"},
    {Aspect::disk_capacity, LossStatus::kept, "the disk's own size"},
    {Aspect::disk_serial, LossStatus::kept, "devices/disk/serial"},
    {Aspect::disk_raw_mapping, LossStatus::mapped, "devices/disk"},
    {Aspect::disk_boot, LossStatus::mapped, "devices/disk/boot"},
    {Aspect::medium, LossStatus::mapped, "devices/disk"},
    {Aspect::nic, LossStatus::mapped, "devices/interface"},
    {Aspect::nic_mac, LossStatus::kept, "devices/interface/mac"},
    {Aspect::nic_model, LossStatus::mapped, "devices/interface/model"},
    {Aspect::nic_network, LossStatus::mapped, "devices/interface/source"},
    {Aspect::nic_connected, LossStatus::mapped, "devices/interface/link"},
    {Aspect::serial_port, LossStatus::mapped, "devices/serial"},
    {Aspect::usb, LossStatus::mapped, "devices/controller[usb]"},
    {Aspect::video, LossStatus::defaulted, "the video card is chosen anew: --set video"},
    {Aspect::startup_order, LossStatus::needs_action,
     "set the order in which the machines start (virsh autostart knows none)"},
    {Aspect::cpu_affinity, LossStatus::dropped,
     "the CPUs of another host: --set cpu-affinity=yes keeps it"},
    {Aspect::cpu_hot_add, LossStatus::dropped,
     "hot-add is off unless asked for: --set hot-add=yes"},
    {Aspect::cpu_shares, LossStatus::dropped,
     "VMware's scale is not that of cgroups: --set cpu-shares=yes takes shares over"},
    {Aspect::memory_hot_add, LossStatus::dropped,
     "hot-add is off unless asked for: --set hot-add=yes"},
    {Aspect::memory_pinned, LossStatus::dropped,
     "memory is not locked unless asked for: --set memory-lock=yes"},
    {Aspect::disk_io, LossStatus::dropped,
     "limits of the source's storage: --set io-limits=yes takes them over"},
    {Aspect::sound, LossStatus::dropped, "servers need no sound card: --set sound=ich9 gives one"},
};

}  // namespace

std::span<const AspectRule> libvirt_account_rules() { return kRules; }

}  // namespace vmlift::vm
