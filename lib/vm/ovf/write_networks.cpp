// Networks and the cards connected to them in an OVF.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "vm/nic_target.hpp"
#include "vm/ovf/envelope_writer.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {

std::string OvfWriter::network_name(const Nic& nic) const {
  if (const NetworkTarget* target = mapped_network(nic, request_.options.networks))
    return vmware_network_name(*target);
  return nic.network.name.empty() ? "VM Network" : nic.network.name;
}

void OvfWriter::network_section() {
  if (machine_.nics.empty()) return;
  const auto section = add_element(envelope_, "NetworkSection");
  add_text(section, "Info", "Logical networks");
  std::vector<std::string> names;
  for (const Nic& nic : machine_.nics) {
    const std::string name = network_name(nic);
    if (std::ranges::find(names, name) != names.end()) continue;
    names.push_back(name);
    add_text(add_element(section, "Network", {{"ovf:name", name}}), "Description",
             fmt::format("The {} network", name));
  }
}

void OvfWriter::nic(std::size_t at) {
  const Nic& nic = machine_.nics[at];
  if (nic.network.name.empty() && mapped_network(nic, request_.options.networks) == nullptr)
    account_.tell(Aspect::nic_network, at,
                  needs_action(fmt::format("connect the NIC to what stands for {} at the target",
                                           network_description(nic)),
                               "OVF knows networks by their names only"));
  const std::string model = vmware_nic_model(nic, decisions_);
  Fields fields{{"AutomaticAllocation", nic.connected ? "true" : "false"},
                {"Connection", network_name(nic)},
                {"ElementName", fmt::format("Network adapter {}", nic.index + 1)},
                {"ResourceType", "10"}};
  if (!nic.mac.empty()) fields["Address"] = nic.mac;
  constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
      {"vmxnet3", "VmxNet3"}, {"vmxnet2", "Vmxnet2"}, {"vmxnet", "Vmxnet"},
      {"e1000", "E1000"},     {"e1000e", "E1000e"},   {"vlance", "PCNet32"}};
  const auto spelling = std::ranges::find(kSpellings, std::string_view(model),
                                          [](const auto& row) { return row.first; });
  if (spelling != std::end(kSpellings))
    fields["ResourceSubType"] = spelling->second;
  else if (!model.empty())
    fields["ResourceSubType"] = model;
  const auto item = add_item(fields);
  if (nic.pci_slot)
    add_setting(item, "vmw:Config", "slotInfo.pciSlotNumber", std::to_string(*nic.pci_slot));
  if (nic.wake_on_lan) add_setting(item, "vmw:Config", "wakeOnLanEnabled", "true");
}

}  // namespace vmlift::vm
