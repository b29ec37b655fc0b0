// Writes the properties of an OpenStack image, as `openstack image set --property` takes them.
#include <nlohmann/json.hpp>

#include "vm/kvm_actions.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/nic_target.hpp"
#include "vm/others/others.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {
namespace {

using Json = nlohmann::ordered_json;

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "name"},
    {Aspect::annotation, LossStatus::kept, "description"},
    {Aspect::guest_os, LossStatus::mapped, "os_type"},
    {Aspect::firmware, LossStatus::kept, "hw_firmware_type"},
    {Aspect::secure_boot, LossStatus::kept, "os_secure_boot"},
    {Aspect::smbios_uuid, LossStatus::dropped, "Nova gives every instance a UUID of its own"},
    {Aspect::serial_number, LossStatus::dropped,
     "Nova gives every instance a serial number of its own"},
    {Aspect::cpu_count, LossStatus::needs_action, "choose a flavour with as many virtual CPUs"},
    {Aspect::cpu_topology, LossStatus::mapped, "hw_cpu_sockets"},
    {Aspect::memory_size, LossStatus::needs_action, "choose a flavour with as much memory"},
    {Aspect::controller, LossStatus::mapped, "hw_disk_bus"},
    {Aspect::controller_model, LossStatus::mapped, "hw_scsi_model"},
    {Aspect::disk, LossStatus::mapped, "hw_disk_bus"},
    {Aspect::disk_source, LossStatus::mapped, "the image or volume"},
    {Aspect::disk_capacity, LossStatus::kept, "the image's own size"},
    {Aspect::nic, LossStatus::mapped, "hw_vif_model"},
    {Aspect::nic_model, LossStatus::mapped, "hw_vif_model"},
    {Aspect::nic_mac, LossStatus::needs_action,
     "create the port with this MAC: openstack port create --mac-address"},
    {Aspect::nic_network, LossStatus::needs_action,
     "create the port in the network that stands for this one"},
    {Aspect::nic_connected, LossStatus::dropped, "ports are connected when they are made"},
    {Aspect::clock, LossStatus::mapped, "os_type"},
    {Aspect::video, LossStatus::mapped, "hw_video_model"},
    {Aspect::watchdog, LossStatus::mapped, "hw_watchdog_action"},
    {Aspect::serial_port, LossStatus::mapped, "hw_serial_port_count"},
};

}  // namespace

std::span<const AspectRule> openstack_account_rules() { return kRules; }

Result<Written> write_openstack(const WriteRequest& request) {
  const Machine& machine = request.machine;
  const Decisions& decisions = request.decisions;
  Account account(kRules);
  const bool efi = decisions.is("firmware", "efi");
  Json properties = {
      {"hw_machine_type", decisions["machine"]},
      {"hw_firmware_type", efi ? "uefi" : "bios"},
      {"os_type", guest_family(machine.guest_os) == GuestFamily::windows ? "windows" : "linux"}};
  if (efi)
    properties["os_secure_boot"] = decisions.is("secure-boot", "yes") ? "required" : "disabled";
  // Nova knows no mixture: the boot disk's bus is everybody's.
  const TargetDrives drives = plan_drives(machine, request.options, decisions);
  if (!drives.disks.empty()) {
    const TargetDrive& boot = drives.disks.front();
    properties["hw_disk_bus"] = boot.bus;
    if (boot.bus == "scsi") properties["hw_scsi_model"] = boot.scsi_model;
  }
  if (!machine.nics.empty())
    properties["hw_vif_model"] = target_nic_model(machine.nics.front(), decisions).name;
  const Topology topology = kvm_topology(machine, decisions);
  properties["hw_cpu_sockets"] = std::to_string(topology.sockets);
  properties["hw_cpu_cores"] = std::to_string(topology.cores);
  properties["hw_cpu_threads"] = std::to_string(topology.threads);
  properties["hw_video_model"] = decisions["video"];
  properties["hw_qemu_guest_agent"] = decisions["guest-devices"];
  if (machine.watchdog) properties["hw_watchdog_action"] = "reset";
  if (decisions.is("tpm", "yes")) {
    properties["hw_tpm_version"] = "2.0";
    properties["hw_tpm_model"] = "tpm-crb";
  }
  if (machine.tpm)
    account.tell(Aspect::tpm, needs_action("have the recovery keys of BitLocker or LUKS at hand",
                                           "a TPM's secrets cannot be moved"));
  tell_kvm_actions(machine, account);
  tell_kept_changes(machine, account);
  const Json image = {{"name", machine.identity.name},
                      {"description", machine.identity.annotation},
                      {"disk_format", request.options.disk_format},
                      {"properties", properties}};
  return Written{image.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                 account.entries(machine)};
}

}  // namespace vmlift::vm
