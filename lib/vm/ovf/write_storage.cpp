// Disks, removable drives and their controllers in an OVF, and the files they refer to.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "vm/encoding.hpp"
#include "vm/ovf/envelope_writer.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr const char* kVmdkFormat =
    "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

}  // namespace

void OvfWriter::disk_section() {
  if (machine_.disks.empty()) return;
  const auto section = add_element(envelope_, "DiskSection");
  add_text(section, "Info", "Virtual disks");
  const std::vector<std::string> stems = disk_stems(machine_);
  for (std::size_t at = 0; at < machine_.disks.size(); ++at) {
    const Drive& disk = machine_.disks[at];
    const DiskTarget* target = named_target(disk, request_.options);
    const auto capacity = target != nullptr && target->capacity ? target->capacity : disk.capacity;
    if (!capacity) {
      account_.tell(
          Aspect::disk_source, at,
          needs_action(
              "state the disk's capacity in the DiskSection: the definition alone does not tell it",
              "its size is in the disk itself"));
    }
    auto node = add_element(section, "Disk",
                            {{"ovf:diskId", disk_id(at)},
                             {"ovf:capacity", std::to_string(capacity.value_or(0))},
                             {"ovf:capacityAllocationUnits", "byte"},
                             {"ovf:format", kVmdkFormat}});
    if (!disk.source && (target == nullptr || target->path.empty())) continue;  // blank
    std::string path =
        target != nullptr && !target->path.empty() ? target->path : stems[at] + ".vmdk";
    // An OVF refers to what lies beside it.
    if (path.starts_with('/')) path = file_name_of(path);
    node.append_attribute("ovf:fileRef") =
        add_file(path, target != nullptr ? target->stored_size : std::nullopt).c_str();
  }
}

std::string OvfWriter::add_file(const std::string& path, std::optional<std::uint64_t> size) {
  const std::string id = fmt::format("file{}", ++files_);
  auto file =
      add_element(references_, "File", {{"ovf:id", id}, {"ovf:href", percent_encoded(path)}});
  if (size) file.append_attribute("ovf:size") = std::to_string(*size).c_str();
  return id;
}

void OvfWriter::controllers() {
  struct Kind {
    Bus bus;
    const char* type;
    const char* label;
  };
  constexpr Kind kKinds[] = {{Bus::ide, "5", "IDE Controller"},
                             {Bus::scsi, "6", "SCSI Controller"},
                             {Bus::sata, "20", "SATA Controller"},
                             {Bus::nvme, "20", "NVMe Controller"}};
  for (const Controller& controller : vmware_controllers(machine_, drives_)) {
    const auto kind = std::ranges::find(kKinds, controller.bus, &Kind::bus);
    if (kind == std::end(kKinds)) continue;
    Fields fields{{"Address", std::to_string(controller.index)},
                  {"Description", kind->label},
                  {"ElementName", fmt::format("{} {}", kind->label, controller.index)},
                  {"ResourceType", kind->type}};
    if (const std::string subtype = controller_subtype(controller); !subtype.empty())
      fields["ResourceSubType"] = subtype;
    const auto item = add_item(fields);
    parents_[{controller.bus, controller.index}] = instances_;
    if (controller.pci_slot)
      add_setting(item, "vmw:Config", "slotInfo.pciSlotNumber",
                  std::to_string(*controller.pci_slot));
  }
}

std::string OvfWriter::controller_subtype(const Controller& controller) {
  if (controller.bus == Bus::sata) return "vmware.sata.ahci";
  if (controller.bus == Bus::nvme) return "vmware.nvme.controller";
  if (controller.model == "pvscsi") return "VirtualSCSI";
  if (controller.model == "lsisas1068") return "lsilogicsas";
  return controller.model;
}

void OvfWriter::disks() {
  for (std::size_t at = 0; at < machine_.disks.size(); ++at) {
    const Drive& disk = machine_.disks[at];
    const Address& address = drives_[at].address;
    const auto item =
        add_item({{"AddressOnParent", std::to_string(address.unit)},
                  {"ElementName", fmt::format("Hard Disk {}", at + 1)},
                  {"HostResource", "ovf:/disk/" + disk_id(at)},
                  {"Parent", std::to_string(parents_[{address.bus, address.controller}])},
                  {"ResourceType", "17"}});
    if (!equal_ignoring_case(disk.mode, "persistent"))
      add_setting(item, "vmw:Config", "backing.diskMode", disk.mode);
  }
}

void OvfWriter::media() {
  for (std::size_t at = 0; at < machine_.media.size(); ++at) {
    const Medium& medium = machine_.media[at];
    const bool floppy = medium.kind == Medium::Kind::floppy;
    if (floppy) {
      account_.tell(Aspect::medium, at, dropped("an empty floppy drive is of no use"));
      account_.tell(Aspect::medium_source, at, dropped("the image was not carried over"));
      account_.tell(Aspect::medium_connected, at, dropped("an empty floppy drive is of no use"));
      continue;
    }
    const Address& address = drives_[machine_.disks.size() + at].address;
    Fields fields{{"AddressOnParent", std::to_string(address.unit)},
                  {"AutomaticAllocation", medium.connected ? "true" : "false"},
                  {"ElementName", fmt::format("CD/DVD Drive {}", at + 1)},
                  {"Parent", std::to_string(parents_[{address.bus, address.controller}])},
                  {"ResourceSubType", "vmware.cdrom.remotepassthrough"},
                  {"ResourceType", "15"}};
    const DiskTarget* image = nullptr;
    if (medium.source)
      if (const auto found = request_.options.disks.find(*medium.source);
          found != request_.options.disks.end())
        image = &found->second;
    if (image != nullptr) {
      fields["HostResource"] = "ovf:/file/" + add_file(image->path, image->stored_size);
      fields["ResourceSubType"] = "vmware.cdrom.iso";
    } else if (medium.source) {
      account_.tell(Aspect::medium_source, at, dropped("the image is not part of the package"));
    }
    add_item(fields);
  }
}

}  // namespace vmlift::vm
