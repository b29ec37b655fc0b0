// Disks, removable drives and their controllers of an OVF.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/ovf/hardware_reader.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"

namespace vmlift::vm {
namespace {

/// What an item's ResourceSubType says; the list form is "VMware's own word, fallback".
struct Subtype {
  std::string_view spelling;  ///< lower case
  std::string_view model;
};

constexpr Subtype kControllerModels[] = {
    {"virtualscsi", "pvscsi"},
    {"vmware.virtualscsi", "pvscsi"},
    {"lsilogicsas", "lsisas1068"},
    {"lsilogic", "lsilogic"},
    {"buslogic", "buslogic"},
    {"lsisas1068", "lsisas1068"},
    {"vmware.sata.ahci", "ahci"},
    {"ahci", "ahci"},
    {"vmware.nvme.controller", "nvme"},
    {"nvme", "nvme"},
    {"piix3", "piix3"},
    {"piix4", "piix4"},
    {"ich6", "ich6"},
    {"virtio-scsi", "virtio-scsi"},
    {"virtioscsi", "virtio-scsi"},
};

/// The first word of the list that the table knows; else the text in lower case.
std::string controller_model(std::string_view subtype) {
  std::string word;
  const std::string text = lower(subtype) + " ";
  for (const char c : text) {
    if (c != ' ' && c != ',') {
      word += c;
      continue;
    }
    const auto row =
        std::ranges::find(kControllerModels, std::string_view(word), &Subtype::spelling);
    if (row != std::end(kControllerModels)) return std::string(row->model);
    word.clear();
  }
  return lower(trim(subtype));
}

}  // namespace

Result<void> HardwareReader::controller(const Item& item) {
  Controller controller;
  controller.model = controller_model(item.subtype);
  if (item.type == kIde)
    controller.bus = Bus::ide;
  else if (item.type == kScsi)
    controller.bus = Bus::scsi;
  else if (controller.model == "nvme")
    controller.bus = Bus::nvme;
  else if (lower(item.subtype).find("nvdimm") != std::string::npos) {
    document_.claim_rest(item.node, Aspect::vmware_device);
    return {};
  } else {
    controller.bus = Bus::sata;
  }
  const auto taken = [&](std::uint32_t index) {
    return used_.contains({controller.bus, index, 0});
  };
  std::string_view address = item.field("Address");
  if (address.empty()) address = item.field("BusNumber");  // OVF 0.9
  const auto number = parse_unsigned(address);
  controller.index = number && *number < 256 ? static_cast<std::uint32_t>(*number) : 0;
  while (taken(controller.index)) ++controller.index;
  used_.insert({controller.bus, controller.index, 0});
  if (item.subtype.empty() && controller.bus == Bus::scsi) controller.model.clear();
  const auto index = static_cast<std::uint32_t>(machine_.controllers.size());
  document_.claim(child_of(item.node, "ResourceSubType"), Aspect::controller_model, index);
  settings(item, Aspect::controller_slot, index, &controller.pci_slot);
  document_.claim_rest(item.node, Aspect::controller, index);
  controllers_.emplace(item.id, Address{controller.bus, controller.index, 0});
  machine_.controllers.push_back(std::move(controller));
  return {};
}

Result<Address> HardwareReader::drive_address(const Item& item) {
  Address address{Bus::scsi, 0, 0};
  if (const auto parent = controllers_.find(item.parent); parent != controllers_.end()) {
    address = parent->second;
  } else if (!item.parent.empty()) {
    return bad_ovf(document_, item.node,
                   fmt::format("{}: there is no controller with InstanceID \"{}\"", item.label(),
                               item.parent));
  }
  const auto unit = parse_unsigned(item.field("AddressOnParent"));
  if (unit && *unit < 256) address.unit = static_cast<std::uint32_t>(*unit);
  while (places_.contains(address)) ++address.unit;
  places_.insert(address);
  return address;
}

Result<void> HardwareReader::disk(const Item& item) {
  Drive drive;
  VMLIFT_TRY(drive.address, drive_address(item));
  const auto index = static_cast<std::uint32_t>(machine_.disks.size());
  std::string_view resource = item.field("HostResource");
  for (std::string_view scheme : {"ovf://", "ovf:"})
    if (resource.starts_with(scheme)) resource.remove_prefix(scheme.size());
  if (resource.starts_with('/')) resource.remove_prefix(1);
  std::string file;
  if (resource.starts_with("disk/")) {
    const std::string id(resource.substr(5));
    const auto found = envelope_.disks.find(id);
    if (found == envelope_.disks.end())
      return bad_ovf(
          document_, item.node,
          fmt::format("{}: there is no disk \"{}\" in the DiskSection", item.label(), id));
    if (!attached_.insert(id).second)
      return bad_ovf(document_, item.node,
                     fmt::format("{}: the disk \"{}\" is attached twice", item.label(), id));
    VMLIFT_CHECK(disk_of_section(found->second, drive, index));
    file = found->second.file;
  } else if (resource.starts_with("file/")) {
    file = resource.substr(5);
  } else if (!resource.empty()) {
    return bad_ovf(
        document_, item.node,
        fmt::format("{}: HostResource \"{}\" names neither disk nor file", item.label(), resource));
  }
  if (!file.empty()) {
    const auto found = envelope_.files.find(file);
    if (found == envelope_.files.end())
      return bad_ovf(document_, item.node,
                     fmt::format("{}: there is no File \"{}\"", item.label(), file));
    if (!files_.insert(file).second)
      return bad_ovf(document_, item.node,
                     fmt::format("{}: the File \"{}\" is used by two disks", item.label(), file));
    drive.source = found->second.href;
    document_.claim(attribute_of(found->second.node, "href"), Aspect::disk_source, index);
    document_.claim_rest(found->second.node, Aspect::disk_source, index);
  }
  document_.claim(child_of(item.node, "HostResource"), Aspect::disk_source, index);
  if (const auto mode = setting(item, "backing.diskmode"); !mode.empty()) drive.mode = mode;
  settings(item, Aspect::disk_mode, index);
  document_.claim_rest(item.node, Aspect::disk, index);
  machine_.disks.push_back(std::move(drive));
  return {};
}

Result<void> HardwareReader::disk_of_section(const OvfDisk& source, Drive& drive,
                                             std::uint32_t index) {
  drive.id = source.id;
  drive.format = "vmdk";
  const std::string_view format = attribute_of(source.node, "format").value();
  if (contains_ignoring_case(format, "qcow"))
    drive.format = "qcow2";
  else if (contains_ignoring_case(format, "vhd"))
    drive.format = "vhd";
  else if (contains_ignoring_case(format, "raw"))
    drive.format = "raw";
  if (!source.serial.empty())
    if (const auto uuid = parse_uuid(source.serial)) drive.serial = uuid->text();
  if (!source.capacity.empty()) {
    const std::string text = resolved(source.capacity);
    const auto number = parse_unsigned(text);
    const auto bytes = number ? checked_multiply(*number, source.capacity_unit) : std::nullopt;
    if (!bytes) {
      return bad_ovf(
          document_, source.node,
          fmt::format("disk \"{}\": capacity \"{}\" is no number of bytes", source.id, text));
    }
    if (*bytes != 0) drive.capacity = *bytes;  // 0: its writer did not know
  }
  if (!source.parent.empty()) {
    machine_.warnings.push_back({fmt::format("DiskSection/Disk[{}]/@parentRef", source.id),
                                 document_.line(source.node),
                                 fmt::format("the disk is a delta over \"{}\"", source.parent)});
  }
  for (std::string_view name : {"capacity", "capacityAllocationUnits"})
    document_.claim(attribute_of(source.node, name), Aspect::disk_capacity, index);
  document_.claim(attribute_of(source.node, "uuid"), Aspect::disk_serial, index);
  document_.claim_rest(source.node, Aspect::disk, index);
  return {};
}

Result<void> HardwareReader::medium(const Item& item, Medium::Kind kind) {
  Medium medium;
  medium.kind = kind;
  if (kind == Medium::Kind::floppy) {
    medium.address = {Bus::floppy, 0, floppies_++};
  } else {
    VMLIFT_TRY(medium.address, drive_address(item));
  }
  const auto index = static_cast<std::uint32_t>(machine_.media.size());
  std::string_view resource = item.field("HostResource");
  const auto file = resource.find("/file/");
  if (file != std::string_view::npos) {
    const std::string id(resource.substr(file + 6));
    if (const auto found = envelope_.files.find(id); found != envelope_.files.end()) {
      medium.source = found->second.href;
      medium.backing = Medium::Backing::image;
      document_.claim_rest(found->second.node, Aspect::medium_source, index);
    }
  } else if (contains_ignoring_case(item.subtype, "remote")) {
    medium.backing = Medium::Backing::client;
  }
  medium.connected = parse_bool(item.field("AutomaticAllocation")).value_or(true);
  document_.claim(child_of(item.node, "HostResource"), Aspect::medium_source, index);
  document_.claim(child_of(item.node, "AutomaticAllocation"), Aspect::medium_connected, index);
  settings(item, Aspect::medium, index);
  document_.claim_rest(item.node, Aspect::medium, index);
  machine_.media.push_back(std::move(medium));
  return {};
}

}  // namespace vmlift::vm
