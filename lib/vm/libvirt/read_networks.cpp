// Network interfaces of a domain.
#include <fmt/format.h>

#include "vm/libvirt/domain_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

Result<void> DomainReader::interface(pugi::xml_node node) {
  Nic nic;
  const auto index = static_cast<std::uint32_t>(machine_.nics.size());
  nic.index = index;
  const auto mac = child_of(node, "mac");
  if (const std::string_view address = attribute_of(mac, "address").value(); !address.empty()) {
    const auto parsed = parse_mac(address);
    if (!parsed) return bad(mac, fmt::format("\"{}\" is no MAC address", address));
    nic.mac = *parsed;
  }
  nic.mac_class = mac_class_of(nic.mac);
  const auto model = child_of(node, "model");
  nic.model = lower(attribute_of(model, "type").value());
  const std::string_view type = attribute_of(node, "type").value();
  const auto source = child_of(node, "source");
  nic.network.kind = type;
  for (const char* name : {"network", "bridge", "dev", "portgroupid"})
    if (nic.network.name.empty()) nic.network.name = attribute_of(source, name).value();
  nic.network.portgroup = attribute_of(source, "portgroup").value();
  nic.network.switch_id = attribute_of(source, "switchid").value();
  if (const auto tag =
          parse_unsigned(attribute_of(child_of(child_of(node, "vlan"), "tag"), "id").value());
      tag && *tag < 4096)
    nic.network.vlan = static_cast<std::uint32_t>(*tag);
  nic.connected = std::string_view(attribute_of(child_of(node, "link"), "state").value()) != "down";
  if (const auto slot = parse_unsigned(attribute_of(child_of(node, "acpi"), "index").value());
      slot && *slot <= 0xffff)
    nic.pci_slot = static_cast<std::uint32_t>(*slot);
  if (const auto order = parse_unsigned(attribute_of(child_of(node, "boot"), "order").value());
      order && *order < 0xffff)
    nic.boot_order = static_cast<std::uint32_t>(*order);
  if (const auto name = nic_names_.find(nic.mac); name != nic_names_.end())
    nic.guest_name = name->second;
  document_.claim(attribute_of(mac, "address"), Aspect::nic_mac, index);
  const std::pair<const char*, Aspect> parts[] = {
      {"mac", Aspect::nic_mac_class},  {"model", Aspect::nic_model},
      {"source", Aspect::nic_network}, {"vlan", Aspect::nic_network},
      {"link", Aspect::nic_connected}, {"acpi", Aspect::nic_slot},
      {"address", Aspect::nic_slot}};
  for (const auto& [name, aspect] : parts)
    if (const auto child = child_of(node, name)) document_.claim_rest(child, aspect, index);
  document_.claim_rest(node, Aspect::nic, index);
  machine_.nics.push_back(std::move(nic));
  return {};
}

}  // namespace vmlift::vm
