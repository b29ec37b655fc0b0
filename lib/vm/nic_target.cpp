#include "vm/nic_target.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vmlift::vm {
namespace {

/// Models of the sources and what QEMU emulates of them. libvirt takes "vlance" and "vmxnet"
/// too, but no QEMU starts with them.
struct Model {
  std::string_view source;
  std::string_view target;
};
constexpr Model kModels[] = {
    {"vmxnet3", "vmxnet3"},
    {"e1000", "e1000"},
    {"e1000e", "e1000e"},
    {"vlance", "pcnet"},
    {"pcnet32", "pcnet"},
    {"pcnet", "pcnet"},
    {"virtio", "virtio"},
    {"rtl8139", "rtl8139"},
    {"virtio-transitional", "virtio"},
    {"virtio-non-transitional", "virtio"},
};

}  // namespace

NicModel target_nic_model(const Nic& nic, const Decisions& decisions) {
  const std::string& decided = decisions["nic-model"];
  if (decided != "source") return {decided, {}};
  const auto row = std::ranges::find(kModels, std::string_view(nic.model), &Model::source);
  if (row != std::end(kModels)) return {std::string(row->target), {}};
  if (nic.model.empty() || nic.model == "flexible") return {"pcnet", "the source's default card"};
  return {"e1000e", fmt::format("QEMU does not emulate {}", nic.model)};
}

const NetworkTarget* mapped_network(const Nic& nic, const NetworkMap& map) {
  const NetworkReference& network = nic.network;
  for (std::string_view name :
       {std::string_view(network.name), std::string_view(network.portgroup),
        std::string_view(network.device), std::string_view(network.switch_id),
        std::string_view(network.kind)}) {
    if (name.empty()) continue;
    if (const auto found = map.find(name); found != map.end()) return &found->second;
  }
  if (network.vlan)
    if (const auto found = map.find(fmt::format("vlan {}", *network.vlan)); found != map.end())
      return &found->second;
  return nullptr;
}

std::string network_description(const Nic& nic) {
  const NetworkReference& network = nic.network;
  if (!network.name.empty()) return fmt::format("the network \"{}\"", network.name);
  if (!network.portgroup.empty()) return fmt::format("the port group \"{}\"", network.portgroup);
  if (!network.device.empty()) return fmt::format("the network \"{}\"", network.device);
  if (!network.kind.empty()) return fmt::format("the {} network", network.kind);
  return "the NIC's network, which the source does not name";
}

}  // namespace vmlift::vm
