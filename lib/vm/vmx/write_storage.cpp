// Disks, removable drives and their controllers in a VMX.
#include <fmt/format.h>

#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/vmx_writer.hpp"

namespace vmlift::vm {

void VmxWriter::storage() {
  for (const Controller& controller : vmware_controllers(machine_, drives_)) {
    if (controller.bus == Bus::ide) continue;  // always there
    const std::string name = fmt::format("{}{}", bus_name(controller.bus), controller.index);
    set(name + ".present", true);
    if (controller.bus == Bus::scsi) set_if(name + ".virtualDev", controller.model);
    set_if(name + ".sharedBus", controller.sharing);
    if (controller.pci_slot) set_number(name + ".pciSlotNumber", *controller.pci_slot);
  }
  if (machine_.disks_show_uuids) set("disk.EnableUUID", true);
  const std::vector<std::string> stems = disk_stems(machine_);
  for (std::size_t at = 0; at < machine_.disks.size(); ++at) disk(at, stems[at]);
  bool floppies = false;
  for (std::size_t at = 0; at < machine_.media.size(); ++at) {
    floppies |= machine_.media[at].kind == Medium::Kind::floppy;
    medium(machine_.media[at], drives_[machine_.disks.size() + at].address);
  }
  // VMware takes a floppy drive for granted.
  if (!floppies) set("floppy0.present", false);
  std::string order;
  for (const std::size_t index : boot_sequence(machine_))
    if (machine_.disks[index].boot_order)
      order += (order.empty() ? "" : ",") + drives_[index].address.text();
  set_if("bios.hddOrder", order);
}

void VmxWriter::disk(std::size_t at, const std::string& stem) {
  const Drive& disk = machine_.disks[at];
  const std::string name = drives_[at].address.text();
  const DiskTarget* target = named_target(disk, request_.options);
  const std::string file =
      target != nullptr && !target->path.empty() ? target->path : stem + ".vmdk";
  set(name + ".present", true);
  set(name + ".fileName", file);
  set(name + ".deviceType", drives_[at].address.bus == Bus::scsi  ? "scsi-hardDisk"
                            : drives_[at].address.bus == Bus::ide ? "ata-hardDisk"
                                                                  : "disk");
  if (!equal_ignoring_case(disk.mode, "persistent")) set(name + ".mode", disk.mode);
  if (disk.shared) set(name + ".sharing", "multi-writer");
  if (disk.change_tracking) set(name + ".ctkEnabled", true);
  set_if(fmt::format("sched.{}.shares", name), disk.io.shares);
  if (disk.io.limit) set_number(fmt::format("sched.{}.throughputCap", name), *disk.io.limit);
  account_.tell(Aspect::disk_source, at,
                disk.source && file == *disk.source
                    ? kept(name + ".fileName")
                    : mapped(name + ".fileName", fmt::format("is {} now", file)));
  if (disk.read_only)
    account_.tell(Aspect::disk, at, mapped(name, "VMware has no read-only disks"));
}

void VmxWriter::medium(const Medium& medium, const Address& address) {
  const bool floppy = medium.kind == Medium::Kind::floppy;
  const std::string name = floppy ? fmt::format("floppy{}", address.controller) : address.text();
  set(name + ".present", true);
  const bool image = medium.backing == Medium::Backing::image && medium.source;
  if (floppy) {
    set(name + ".fileType", image ? "file" : "device");
    if (image) set(name + ".fileName", *medium.source);
  } else {
    set(name + ".deviceType", image ? "cdrom-image" : "cdrom-raw");
    if (image)
      set(name + ".fileName", *medium.source);
    else if (medium.backing == Medium::Backing::client)
      set(name + ".clientDevice", true);
    else if (medium.backing == Medium::Backing::host_device)
      set(name + ".fileName", "auto detect");
    else
      set(name + ".fileName", "emptyBackingString");
  }
  if (!medium.connected) set(name + ".startConnected", false);
}

}  // namespace vmlift::vm
