// Network interfaces of a domain.
#include <fmt/format.h>

#include "vm/libvirt/domain_writer.hpp"
#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {

void DomainWriter::nic(std::size_t index) {
  const Nic& nic = machine_.nics[index];
  const NetworkTarget* network = mapped_network(nic, request_.options.networks);
  const bool on_libvirt = network != nullptr && network->multus.empty();
  pugi::xml_node interface;
  if (on_libvirt && !network->bridge.empty()) {
    interface = add_element(devices_, "interface", {{"type", "bridge"}});
    add_mac(interface, nic, index);
    add_element(interface, "source", {{"bridge", network->bridge}});
  } else if (on_libvirt) {
    interface = add_element(devices_, "interface", {{"type", "network"}});
    add_mac(interface, nic, index);
    auto source = add_element(interface, "source", {{"network", network->network}});
    if (!network->portgroup.empty())
      source.append_attribute("portgroup") = network->portgroup.c_str();
  } else if (decisions_.is("unmapped-network", "default") || is_xen()) {
    interface = add_element(devices_, "interface", {{"type", "network"}});
    add_mac(interface, nic, index);
    add_element(interface, "source", {{"network", "default"}});
  } else {
    interface = add_element(devices_, "interface", {{"type", "user"}});
    add_mac(interface, nic, index);
  }
  if (on_libvirt && network->vlan)
    add_element(add_element(interface, "vlan"), "tag", {{"id", std::to_string(*network->vlan)}});
  const NicModel model = target_nic_model(nic, decisions_);
  add_element(interface, "model", {{"type", model.name}});
  if (!on_libvirt || !nic.connected) add_element(interface, "link", {{"state", "down"}});
  if (nic.pci_slot && decisions_.is("acpi-index", "yes"))
    add_element(interface, "acpi", {{"index", std::to_string(*nic.pci_slot)}});
  account_nic(index, nic, model, on_libvirt);
}

void DomainWriter::add_mac(pugi::xml_node interface, const Nic& nic, std::size_t index) {
  if (nic.mac.empty()) {
    account_.tell(
        Aspect::nic_mac, index,
        needs_action("give the NIC the MAC that the guest knows, or expect it to see a new card",
                     "the source states no MAC"));
    return;
  }
  if (is_multicast(nic.mac)) {
    account_.tell(Aspect::nic_mac, index,
                  needs_action("choose a unicast MAC", "no NIC can have a multicast MAC"));
    return;
  }
  add_element(interface, "mac", {{"address", nic.mac}});
}

void DomainWriter::account_nic(std::size_t index, const Nic& nic, const NicModel& model,
                               bool mapped_here) {
  const std::string element = fmt::format("devices/interface[{}]", index);
  account_.tell(Aspect::nic, index, mapped(element));
  if (!nic.mac.empty()) account_.tell(Aspect::nic_mac, index, kept(element + "/mac"));
  if (model.name == nic.model)
    account_.tell(Aspect::nic_model, index, kept(element + "/model"));
  else
    account_.tell(
        Aspect::nic_model, index,
        mapped(element + "/model",
               !model.reason.empty() ? model.reason : fmt::format("is {} now", model.name)));
  if (mapped_here)
    account_.tell(Aspect::nic_network, index, mapped(element + "/source"));
  else
    account_.tell(
        Aspect::nic_network, index,
        needs_action(fmt::format("map {} to a network of the target (--map), then set the link up",
                                 network_description(nic)),
                     "the network is not mapped; the link is down"));
  account_.tell(Aspect::nic_connected, index,
                nic.connected ? mapped(element) : mapped(element + "/link"));
  if (nic.pci_slot && decisions_.is("acpi-index", "yes"))
    account_.tell(Aspect::nic_slot, index, mapped(element + "/acpi/@index"));
  else if (!nic.guest_name.empty())
    account_.tell(
        Aspect::nic_slot, index,
        mapped("metadata/vmlift:source",
               fmt::format("the guest named the NIC {}; the new name follows from the new slot",
                           nic.guest_name)));
}

}  // namespace vmlift::vm
