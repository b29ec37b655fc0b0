// Network cards of an OVF.
#include <fmt/format.h>

#include "vm/ovf/hardware_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

Result<void> HardwareReader::nic(const Item& item) {
  Nic nic;
  const auto index = static_cast<std::uint32_t>(machine_.nics.size());
  nic.index = index;
  nic.model = lower(trim(item.subtype.substr(0, item.subtype.find_first_of(" ,"))));
  if (const std::string_view address = item.field("Address"); !address.empty()) {
    if (const auto mac = parse_mac(address))
      nic.mac = *mac;
    else
      warn(item, fmt::format("Address \"{}\" is no MAC address", address));
  }
  nic.mac_class = mac_class_of(nic.mac);
  nic.network.name = item.field("Connection");
  nic.connected = parse_bool(item.field("AutomaticAllocation")).value_or(true);
  document_.claim(child_of(item.node, "Address"), Aspect::nic_mac, index);
  document_.claim(child_of(item.node, "Connection"), Aspect::nic_network, index);
  document_.claim(child_of(item.node, "ResourceSubType"), Aspect::nic_model, index);
  document_.claim(child_of(item.node, "AutomaticAllocation"), Aspect::nic_connected, index);
  if (const auto wake = parse_bool(setting(item, "wakeonlanenabled"))) nic.wake_on_lan = *wake;
  settings(item, Aspect::nic, index, &nic.pci_slot);
  if (nic.pci_slot) nic.guest_name = fmt::format("ens{}", *nic.pci_slot);
  document_.claim_rest(item.node, Aspect::nic, index);
  machine_.nics.push_back(std::move(nic));
  return {};
}

}  // namespace vmlift::vm
