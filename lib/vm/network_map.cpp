// Reads --map documents: YAML, by yaml-cpp, whose exceptions end here.
#include <yaml-cpp/yaml.h>

#include "base/fail.hpp"
#include "vm/scalar.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {
namespace {

std::unexpected<Error> bad_map(const YAML::Node& at, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, "the map, line {}: {}", at.Mark().line + 1, what);
}

Result<NetworkTarget> read_target(const YAML::Node& node) {
  if (!node.IsMap()) return bad_map(node, "a network's target is a mapping like {bridge: br7}");
  NetworkTarget target;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (!entry.second.IsScalar())
      return bad_map(entry.second, fmt::format("{} takes one value", key));
    const auto value = entry.second.as<std::string>();
    if (key == "bridge")
      target.bridge = value;
    else if (key == "network")
      target.network = value;
    else if (key == "portgroup")
      target.portgroup = value;
    else if (key == "multus")
      target.multus = value;
    else if (key == "vlan") {
      const auto vlan = parse_unsigned(value);
      if (!vlan || *vlan == 0 || *vlan > 4094)
        return bad_map(entry.second, "vlan is a number from 1 to 4094");
      target.vlan = static_cast<std::uint32_t>(*vlan);
    } else {
      return bad_map(
          entry.first,
          fmt::format(
              "a network's target has no \"{}\"; it has bridge, network, portgroup, vlan, multus",
              key));
    }
  }
  const int ways = !target.bridge.empty() + !target.network.empty() + !target.multus.empty();
  if (ways != 1)
    return bad_map(node, "a network goes to exactly one of bridge, network and multus");
  if (!target.portgroup.empty() && target.network.empty())
    return bad_map(node, "a portgroup belongs to a network");
  return target;
}

Result<NetworkMap> read_map(const YAML::Node& root) {
  NetworkMap map;
  if (root.IsNull()) return map;
  if (!root.IsMap()) return bad_map(root, "the map is a mapping with the key networks");
  for (const auto& section : root) {
    const auto name = section.first.as<std::string>();
    if (name == "storage") {
      return fail(
          ErrorCode::UnsupportedFeature,
          "the map, line {}: mapping storage is not there yet; say where the disks go with --disks",
          section.first.Mark().line + 1);
    }
    if (name != "networks") return bad_map(section.first, fmt::format("unknown key \"{}\"", name));
    if (section.second.IsNull()) continue;
    if (!section.second.IsMap())
      return bad_map(section.second, "networks is a mapping from source names to targets");
    for (const auto& entry : section.second) {
      VMLIFT_TRY(NetworkTarget target, read_target(entry.second));
      if (!map.emplace(entry.first.as<std::string>(), std::move(target)).second)
        return bad_map(entry.first, "the network is mapped twice");
    }
  }
  return map;
}

}  // namespace

Result<NetworkMap> parse_network_map(std::string_view yaml) {
  try {
    return read_map(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& problem) {
    return fail(ErrorCode::InvalidArgument, "the map, line {}: {}", problem.mark.line + 1,
                problem.msg);
  }
}

}  // namespace vmlift::vm
