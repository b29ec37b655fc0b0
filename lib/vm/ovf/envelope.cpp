#include "vm/ovf/envelope.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/ovf/units.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

/// `xsi:type="ovf:DiskSection_Type"` gives "DiskSection".
std::string_view type_name(pugi::xml_node node) {
  std::string_view type;
  for (const auto attribute : node.attributes())
    if (std::string_view(attribute.name()).ends_with(":type")) type = attribute.value();
  type = local_name(type);
  if (type.ends_with("_Type")) type.remove_suffix(5);
  return type;
}

bool leaves_the_package(std::string_view href) {
  if (href.find("://") != std::string_view::npos || href.starts_with('/')) return true;
  std::string path(href);
  std::ranges::replace(path, '\\', '/');
  return path == ".." || path.starts_with("../") || path.find("/../") != std::string::npos ||
         path.ends_with("/..");
}

Result<void> read_files(XmlDocument& document, Envelope& envelope, Definition& definition) {
  for (const auto references : children_of(document.root(), "References")) {
    for (const auto node : children_of(references, "File")) {
      const std::string id = attribute_of(node, "id").value();
      const std::string href = percent_decoded(attribute_of(node, "href").value());
      if (href.empty()) return bad_ovf(document, node, "a File without href");
      if (leaves_the_package(href)) {
        definition.warnings.push_back(
            {fmt::format("References/File[{}]/@href", id), document.line(node),
             "the reference leaves the package; opening the disk will be refused"});
      }
      if (!envelope.files.emplace(id, OvfFile{node, href}).second)
        return bad_ovf(document, node, fmt::format("the File id \"{}\" is there twice", id));
    }
  }
  return {};
}

Result<void> read_disks(XmlDocument& document, Envelope& envelope) {
  for (const auto section : ovf_sections(document.root(), "DiskSection")) {
    for (const auto node : children_of(section, "Disk")) {
      OvfDisk disk{.node = node,
                   .id = attribute_of(node, "diskId").value(),
                   .file = attribute_of(node, "fileRef").value(),
                   .parent = attribute_of(node, "parentRef").value(),
                   .serial = attribute_of(node, "uuid").value(),
                   .capacity = attribute_of(node, "capacity").value()};
      const std::string_view unit = attribute_of(node, "capacityAllocationUnits").value();
      if (!unit.empty()) {
        const auto factor = unit_factor(unit);
        if (!factor)
          return bad_ovf(document, node, fmt::format("\"{}\" is no unit of capacity", unit));
        disk.capacity_unit = *factor;
      }
      if (!disk.file.empty() && !envelope.files.contains(disk.file)) {
        return bad_ovf(document, node,
                       fmt::format("disk \"{}\" refers to the File \"{}\", which is not there",
                                   disk.id, disk.file));
      }
      const std::string id = disk.id;
      if (!envelope.disks.emplace(id, std::move(disk)).second)
        return bad_ovf(document, node, fmt::format("the disk id \"{}\" is there twice", id));
    }
  }
  return {};
}

Result<void> read_configurations(XmlDocument& document, const ParseOptions& options,
                                 Envelope& envelope) {
  for (const auto section : ovf_sections(document.root(), "DeploymentOptionSection")) {
    for (const auto node : children_of(section, "Configuration")) {
      envelope.configurations.push_back(
          {attribute_of(node, "id").value(), std::string(trim(text_of(child_of(node, "Label")))),
           parse_bool(attribute_of(node, "default").value()).value_or(false)});
      document.claim_rest(node, Aspect::structure, 0,
                          "a deployment option; one of them was chosen");
    }
  }
  auto& all = envelope.configurations;
  if (all.empty()) {
    if (!options.configuration.empty())
      return fail(ErrorCode::InvalidArgument, "the OVF has no configurations; \"{}\" was asked for",
                  options.configuration);
    return {};
  }
  auto chosen = std::ranges::find_if(all, &Configuration::is_default);
  if (!options.configuration.empty())
    chosen = std::ranges::find(all, options.configuration, &Configuration::id);
  else if (chosen == all.end())
    chosen = all.begin();  // the standard: the first is the default
  if (chosen == all.end()) {
    std::vector<std::string> ids;
    for (const auto& configuration : all) ids.push_back(configuration.id);
    return fail(ErrorCode::InvalidArgument, "the OVF has no configuration \"{}\"; it has {}",
                options.configuration, fmt::join(ids, ", "));
  }
  envelope.selected = chosen->id;
  if (std::ranges::none_of(all, &Configuration::is_default)) all.front().is_default = true;
  return {};
}

}  // namespace

std::unexpected<Error> bad_ovf(const XmlDocument& document, pugi::xml_node at,
                               std::string_view what) {
  return fail(ErrorCode::BadOvf, "line {}: {}", document.line(at), printable_utf8(what));
}

bool is_ovf_section(pugi::xml_node node, std::string_view name) {
  if (node.type() != pugi::node_element) return false;
  const std::string_view own = local_name(node);
  return own == name || ((own == "Section" || own == "Content") && type_name(node) == name);
}

std::vector<pugi::xml_node> ovf_sections(pugi::xml_node parent, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const auto child : parent.children())
    if (is_ovf_section(child, name)) found.push_back(child);
  return found;
}

Result<Envelope> read_envelope(XmlDocument& document, const ParseOptions& options,
                               Definition& definition) {
  Envelope envelope;
  VMLIFT_CHECK(read_files(document, envelope, definition));
  VMLIFT_CHECK(read_disks(document, envelope));
  VMLIFT_CHECK(read_configurations(document, options, envelope));
  for (const auto section : ovf_sections(document.root(), "NetworkSection"))
    for (const auto node : children_of(section, "Network"))
      envelope.networks.emplace(attribute_of(node, "name").value(), node);
  definition.configurations = envelope.configurations;
  return envelope;
}

}  // namespace vmlift::vm
