// Interfaces of a manifest, and the networks behind them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "vm/kubevirt/manifest_writer.hpp"
#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

void ManifestWriter::nic(std::size_t index) {
  const Nic& nic = machine_.nics[index];
  const std::string name = fmt::format("net-{}", index);
  const NetworkTarget* target = mapped_network(nic, request_.options.networks);
  const bool is_mapped = target != nullptr && !target->multus.empty();
  Json interface = {{"name", name}};
  if (is_mapped) {
    interface["bridge"] = Json::object();
    networks_.push_back({{"name", name}, {"multus", {{"networkName", target->multus}}}});
  } else if (!pod_network_) {
    pod_network_ = true;
    interface["masquerade"] = Json::object();
    networks_.push_back({{"name", name}, {"pod", Json::object()}});
    static_addresses(nic);
  } else {
    // There is one pod network; others need an attachment, which has to be made first.
    interface["bridge"] = Json::object();
    networks_.push_back(
        {{"name", name},
         {"multus", {{"networkName", label(nic.network.name.empty() ? name : nic.network.name)}}}});
  }
  if (!nic.mac.empty() && !is_multicast(nic.mac)) interface["macAddress"] = nic.mac;
  const std::string model = model_of(nic);
  interface["model"] = model;
  if (!is_mapped || !nic.connected) interface["state"] = "down";
  if (nic.pci_slot && decisions_.is("acpi-index", "yes")) {
    interface["acpiIndex"] = *nic.pci_slot;
    account_.tell(Aspect::nic_slot, index,
                  mapped(fmt::format("devices/interfaces[{}]/acpiIndex", name)));
  } else if (!nic.guest_name.empty()) {
    account_.tell(Aspect::nic_slot, index,
                  mapped(fmt::format("metadata/annotations/vmlift/nic-{}", nic.index),
                         fmt::format("the guest named the NIC {}; the new name follows from the "
                                     "new slot",
                                     nic.guest_name)));
  }
  interfaces_.push_back(interface);
  account_.tell(Aspect::nic, index, mapped(fmt::format("devices/interfaces[{}]", name)));
  account_.tell(
      Aspect::nic_model, index,
      mapped(fmt::format("devices/interfaces[{}]/model", name), fmt::format("is {} now", model)));
  if (nic.mac.empty())
    account_.tell(
        Aspect::nic_mac, index,
        needs_action("give the NIC the MAC that the guest knows", "the source states no MAC"));
  if (is_multicast(nic.mac))
    account_.tell(Aspect::nic_mac, index,
                  needs_action("choose a unicast MAC", "no NIC can have a multicast MAC"));
  if (is_mapped) return;
  account_.tell(
      Aspect::nic_network, index,
      needs_action(
          fmt::format(
              "map {} to a NetworkAttachmentDefinition (--map, multus), then set the state up",
              network_description(nic)),
          target != nullptr ? "the map names no multus network; the interface is down"
                            : "the network is not mapped; the interface is down"));
}

std::string ManifestWriter::model_of(const Nic& nic) const {
  const std::string model = target_nic_model(nic, decisions_).name;
  constexpr std::string_view kModels[] = {"e1000", "e1000e", "igb", "pcnet", "rtl8139", "virtio"};
  return std::ranges::find(kModels, model) != std::end(kModels) ? model : "e1000e";
}

void ManifestWriter::static_addresses(const Nic& nic) {
  const std::string& addresses = decisions_["static-addresses"];
  if (addresses == "none") return;
  Json list = Json::array();
  for (std::size_t at = 0; at <= addresses.size();) {
    const auto comma = std::min(addresses.find(',', at), addresses.size());
    list.push_back(std::string(trim(std::string_view(addresses).substr(at, comma - at))));
    at = comma + 1;
  }
  pod_annotations_["cni.projectcalico.org/ipAddrs"] = list.dump();
  if (!nic.mac.empty()) pod_annotations_["cni.projectcalico.org/hwAddr"] = nic.mac;
}

}  // namespace vmlift::vm
