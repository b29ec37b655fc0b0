#include "vm/capabilities.hpp"

#include "base/fail.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_document.hpp"

namespace vmlift::vm {

Result<Capabilities> Capabilities::parse(std::string_view xml, const Limits& limits) {
  VMLIFT_TRY(const XmlDocument document, XmlDocument::parse(xml, limits));
  if (local_name(document.root()) != "domainCapabilities")
    return fail(ErrorCode::BadXml, "the host's capabilities are no domainCapabilities document");
  Capabilities result;
  result.known_ = true;
  result.machine_ = trim(text_of(child_of(document.root(), "machine")));
  // <disk supported='yes'><enum name='bus'><value>sata</value>: "disk/bus" has "sata".
  const auto walk = [&](auto&& self, pugi::xml_node node, const std::string& path) -> void {
    if (const auto supported = attribute_of(node, "supported")) {
      // <mode name='host-model' supported='yes'>: "cpu/mode" has "host-model".
      const auto name = attribute_of(node, "name");
      auto& values = result.values_[path];
      if (!name)
        values.insert(supported.value());
      else if (parse_bool(supported.value()).value_or(false))
        values.insert(name.value());
    }
    for (const auto child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string name(local_name(child));
      if (name == "enum") {
        auto& values = result.values_[path + "/" + attribute_of(child, "name").value()];
        for (const auto value : children_of(child, "value")) values.emplace(trim(text_of(value)));
      } else {
        self(self, child, path.empty() ? name : path + "/" + name);
      }
    }
  };
  walk(walk, document.root(), {});
  // Devices lie one level deeper; their path shall not say so.
  std::map<std::string, std::set<std::string>, std::less<>> flat;
  for (auto& [path, values] : result.values_) {
    constexpr std::string_view kDevices = "devices/";
    flat.emplace(path.starts_with(kDevices) ? path.substr(kDevices.size()) : path,
                 std::move(values));
  }
  result.values_ = std::move(flat);
  return result;
}

bool Capabilities::allows(std::string_view what, std::string_view value) const {
  const auto found = values_.find(what);
  return found == values_.end() || found->second.contains(std::string(value));
}

}  // namespace vmlift::vm
