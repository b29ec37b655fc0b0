// Disks, removable drives and their controllers of a domain.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "vm/libvirt/domain_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

struct BusName {
  std::string_view name;
  Bus bus;
};

constexpr BusName kBuses[] = {{"ide", Bus::ide},    {"scsi", Bus::scsi},     {"sata", Bus::sata},
                              {"nvme", Bus::nvme},  {"virtio", Bus::virtio}, {"usb", Bus::usb},
                              {"fdc", Bus::floppy}, {"xen", Bus::xen}};

/// SCSI controllers by libvirt's word and ours.
constexpr std::pair<std::string_view, std::string_view> kScsiModels[] = {
    {"vmpvscsi", "pvscsi"},
    {"lsisas1068", "lsisas1068"},
    {"lsilogic", "lsilogic"},
    {"buslogic", "buslogic"},
    {"virtio-scsi", "virtio-scsi"}};

}  // namespace

std::uint32_t DomainReader::number_of(std::string_view target) {
  const auto letters =
      target.find_first_of("0123456789") == std::string_view::npos ? target : std::string_view();
  std::size_t prefix = target.starts_with("xvd") ? 3 : 2;
  std::uint32_t number = 0;
  for (const char c : letters.substr(std::min(prefix, letters.size()))) {
    if (c < 'a' || c > 'z' || number > 10000) return 0;
    number = number * 26 + static_cast<std::uint32_t>(c - 'a' + 1);
  }
  return number == 0 ? 0 : number - 1;
}

Address DomainReader::address_of(pugi::xml_node node, Bus bus, std::string_view target) {
  const auto address = child_of(node, "address");
  if (std::string_view(attribute_of(address, "type").value()) == "drive") {
    const auto number = [&](const char* name) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(
          parse_unsigned(attribute_of(address, name).value()).value_or(0), 0xffff));
    };
    const std::uint32_t unit = number("unit");
    if (bus == Bus::ide) return {bus, number("bus"), unit};
    return {bus, number("controller"), unit != 0 ? unit : number("target")};
  }
  const std::uint32_t place = number_of(target);
  if (bus == Bus::ide) return {bus, place / 2, place % 2};
  if (bus == Bus::scsi) return {bus, place / 7, place % 7};
  if (bus == Bus::sata) return {bus, place / 6, place % 6};
  return {bus, 0, place};
}

Result<void> DomainReader::disk(pugi::xml_node node) {
  const std::string_view device = attribute_of(node, "device").value();
  const auto target = child_of(node, "target");
  const std::string_view name = attribute_of(target, "dev").value();
  std::string_view word = attribute_of(target, "bus").value();
  if (word.empty())
    word = name.starts_with("vd")    ? "virtio"
           : name.starts_with("xvd") ? "xen"
           : name.starts_with("hd")  ? "ide"
           : name.starts_with("fd")  ? "fdc"
                                     : "scsi";
  const auto row = std::ranges::find(kBuses, word, &BusName::name);
  if (row == std::end(kBuses)) return bad(node, fmt::format("a disk on the bus \"{}\"", word));
  const Address address = address_of(node, row->bus, name);
  const auto source = source_of(node);
  const auto order = parse_unsigned(attribute_of(child_of(node, "boot"), "order").value());
  const std::optional<std::uint32_t> boot =
      order && *order < 0xffff ? std::optional(static_cast<std::uint32_t>(*order)) : std::nullopt;
  if (device == "cdrom" || device == "floppy") {
    Medium medium;
    medium.kind = device == "cdrom" ? Medium::Kind::cdrom : Medium::Kind::floppy;
    medium.address = address;
    medium.source = source;
    const bool image = std::string_view(attribute_of(node, "type").value()) != "block";
    medium.backing = !source ? Medium::Backing::empty
                     : image ? Medium::Backing::image
                             : Medium::Backing::host_device;
    medium.boot_order = boot;
    const auto index = static_cast<std::uint32_t>(machine_.media.size());
    if (const auto child = child_of(node, "source"))
      document_.claim_rest(child, Aspect::medium_source, index);
    document_.claim_rest(node, Aspect::medium, index);
    machine_.media.push_back(std::move(medium));
    return {};
  }
  return hard_disk(node, address, source, boot);
}

std::optional<std::string> DomainReader::source_of(pugi::xml_node node) {
  const auto source = child_of(node, "source");
  for (const char* name : {"file", "dev", "name", "volume", "dir"})
    if (const auto attribute = attribute_of(source, name); attribute && *attribute.value() != 0)
      return attribute.value();
  return std::nullopt;
}

Result<void> DomainReader::hard_disk(pugi::xml_node node, const Address& address,
                                     const std::optional<std::string>& source,
                                     std::optional<std::uint32_t> boot) {
  Drive drive;
  const auto index = static_cast<std::uint32_t>(machine_.disks.size());
  drive.address = address;
  drive.source = source;
  drive.boot_order = boot;
  const std::string_view type = attribute_of(node, "type").value();
  if (type == "block") drive.backing = Drive::Backing::block;
  if (type == "network") drive.backing = Drive::Backing::network;
  if (std::string_view(attribute_of(node, "device").value()) == "lun")
    drive.backing = Drive::Backing::raw_mapping;
  drive.format = attribute_of(child_of(node, "driver"), "type").value();
  drive.serial = trim(take(node, "serial", Aspect::disk_serial, index));
  if (child_of(node, "transient")) drive.mode = "independent-nonpersistent";
  drive.shared = static_cast<bool>(child_of(node, "shareable"));
  drive.read_only = static_cast<bool>(child_of(node, "readonly"));
  document_.claim(child_of(node, "transient"), Aspect::disk_mode, index);
  document_.claim(child_of(node, "shareable"), Aspect::disk_sharing, index);
  if (const auto child = child_of(node, "source"))
    document_.claim_rest(child, Aspect::disk_source, index);
  if (const auto child = child_of(node, "boot"))
    document_.claim_rest(child, Aspect::disk_boot, index);
  if (const auto tune = child_of(node, "iotune")) {
    drive.io.limit = parse_unsigned(text_of(child_of(tune, "total_iops_sec")));
    document_.claim_rest(tune, Aspect::disk_io, index);
  }
  if (const auto backing = child_of(node, "backingStore"))
    document_.claim_rest(backing, Aspect::disk_source, index);
  document_.claim_rest(node, Aspect::disk, index);
  machine_.disks.push_back(std::move(drive));
  return {};
}

void DomainReader::controller(pugi::xml_node node) {
  const std::string_view type = attribute_of(node, "type").value();
  const std::string_view model = attribute_of(node, "model").value();
  const auto index = parse_unsigned(attribute_of(node, "index").value()).value_or(0);
  if (type == "usb") {
    if (model.find("xhci") != std::string_view::npos)
      machine_.usb.xhci = true;
    else if (model.find("ehci") != std::string_view::npos)
      machine_.usb.ehci = true;
    else if (model != "none")
      machine_.usb.uhci = true;
    document_.claim_rest(node, Aspect::usb);
    return;
  }
  const auto bus = std::ranges::find(kBuses, type, &BusName::name);
  if (bus == std::end(kBuses) || bus->bus == Bus::virtio || index > 0xffff) {
    document_.claim_rest(node, Aspect::structure);
    return;
  }
  Controller controller;
  controller.bus = bus->bus;
  controller.index = static_cast<std::uint32_t>(index);
  const auto known =
      std::ranges::find(kScsiModels, model, [](const auto& pair) { return pair.first; });
  controller.model = known != std::end(kScsiModels) ? known->second : model;
  if (controller.bus == Bus::sata && controller.model.empty()) controller.model = "ahci";
  const auto at = static_cast<std::uint32_t>(machine_.controllers.size());
  document_.claim(attribute_of(node, "model"), Aspect::controller_model, at);
  if (const auto address = child_of(node, "address"))
    document_.claim_rest(address, Aspect::controller_slot, at);
  document_.claim_rest(node, Aspect::controller, at);
  machine_.controllers.push_back(std::move(controller));
}

}  // namespace vmlift::vm
