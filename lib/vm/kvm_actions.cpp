#include "vm/kvm_actions.hpp"

#include "vm/scalar.hpp"

namespace vmlift::vm {

void tell_kvm_actions(const Machine& machine, Account& account) {
  if (machine.cpu.vbs)
    account.tell(Aspect::cpu_vbs,
                 needs_action("switch nested virtualisation on at the target host, and give the "
                              "guest an IOMMU: Windows' virtualisation based security needs both",
                              "without them Windows starts unprotected"));
  if (machine.cpu.iommu)
    account.tell(Aspect::cpu_iommu,
                 needs_action("add an IOMMU (model intel) if the guest hands devices on to guests "
                              "of its own",
                              "few guests need one, and it slows down the others"));
  for (std::size_t at = 0; at < machine.controllers.size(); ++at)
    if (!machine.controllers[at].sharing.empty())
      account.tell(Aspect::controller_sharing, at,
                   needs_action("the bus was shared between machines (a cluster): give its disks "
                                "shared storage and persistent reservations at the target",
                                "clustered disks cannot be moved one machine at a time"));
  for (std::size_t at = 0; at < machine.disks.size(); ++at)
    if (machine.disks[at].backing == Drive::Backing::raw_mapping)
      account.tell(Aspect::disk_raw_mapping, at,
                   needs_action("decide whether the LUN's content is copied into the disk, or the "
                                "LUN itself is attached to the target host",
                                "the disk is a mapping of a raw device"));
}

void tell_kept_changes(const Machine& machine, Account& account) {
  for (std::size_t at = 0; at < machine.disks.size(); ++at)
    if (contains_ignoring_case(machine.disks[at].mode, "nonpersistent"))
      account.tell(Aspect::disk_mode, at,
                   needs_action("decide whether the disk may keep its changes: in the source they "
                                "were thrown away whenever the machine was switched off",
                                "the target has no disks that forget"));
}

void tell_disk_serials(const Machine& machine, Account& account, std::string_view target) {
  if (!machine.disks_show_uuids) return;
  const bool known = std::ranges::none_of(machine.disks, &std::string::empty, &Drive::serial);
  account.tell(Aspect::disk_uuid,
               known ? mapped(std::string(target))
                     : needs_action("give each disk the serial number that the guest knows: its "
                                    "VMDK's ddb.uuid without blanks",
                                    "the serial numbers are in the disks, not in the definition"));
}

}  // namespace vmlift::vm
