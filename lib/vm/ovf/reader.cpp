// Reads an OVF descriptor: one machine for each VirtualSystem, however deep the collections.
#include <fmt/format.h>

#include <algorithm>

#include "base/fail.hpp"
#include "vm/guest_os.hpp"
#include "vm/ovf/envelope.hpp"
#include "vm/ovf/extensions.hpp"
#include "vm/ovf/hardware.hpp"
#include "vm/ovf/ovf.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

constexpr std::size_t kMostMachines = 1024;
constexpr std::uint32_t kSwappedFromHardware = 13;  // see vmx/reader.cpp

class OvfReader {
 public:
  OvfReader(XmlDocument& document, const Envelope& envelope, Definition& definition)
      : document_(document), envelope_(envelope), definition_(definition) {}

  Result<void> read_all(pugi::xml_node parent) {
    for (const auto node : parent.children()) {
      if (is_ovf_section(node, "VirtualSystem")) VMLIFT_CHECK(read_system(node));
      if (is_ovf_section(node, "VirtualSystemCollection")) VMLIFT_CHECK(read_all(node));
    }
    return {};
  }

  const std::unordered_map<const void*, std::size_t>& owners() const { return owners_; }

 private:
  Result<void> read_system(pugi::xml_node system) {
    const std::size_t index = definition_.machines.size();
    if (index == kMostMachines)
      return fail(ErrorCode::Limit, "an envelope of more than {} machines", kMostMachines);
    definition_.machines.emplace_back();
    Machine& machine = definition_.machines.back();
    owners_.emplace(system.internal_object(), index);
    document_.claim_for(index);
    const auto id = attribute_of(system, "id");
    const auto name = child_of(system, "Name");
    machine.identity.name = name ? trim(text_of(name)) : std::string_view(id.value());
    document_.claim(id, name ? Aspect::structure : Aspect::name);
    document_.claim(name, Aspect::name);
    document_.claim(child_of(system, "Info"), Aspect::structure);
    for (const auto section : ovf_sections(system, "AnnotationSection")) {
      const auto annotation = child_of(section, "Annotation");
      machine.identity.annotation = text_of(annotation);
      document_.claim(annotation, Aspect::annotation);
    }
    const PropertyValues properties = read_properties(system, machine);
    read_operating_system(system, machine);
    const auto hardware = ovf_sections(system, "VirtualHardwareSection");
    for (std::size_t at = 0; at < hardware.size(); ++at) {
      if (at == 0) {
        VMLIFT_CHECK(read_hardware(hardware[at], properties, machine));
        continue;
      }
      if (at == 1) {
        machine.warnings.push_back({"VirtualHardwareSection", document_.line(hardware[at]),
                                    "more than one VirtualHardwareSection; the first counts"});
      }
      document_.claim_rest(hardware[at], Aspect::absent, 0,
                           "an alternative hardware section; the first counts");
    }
    read_virtualbox_machine(document_, system, machine);
    for (const auto section : system.children())
      document_.claim(child_of(section, "Info"), Aspect::structure);
    finish(system, machine);
    document_.claim_for(XmlDocument::kNoMachine);
    return {};
  }

  Result<void> read_hardware(pugi::xml_node section, const PropertyValues& properties,
                             Machine& machine) {
    const auto system = child_of(section, "System");
    const auto type = child_of(system, "VirtualSystemType");
    machine.hardware_version = highest_version(text_of(type));
    document_.claim(type, Aspect::hardware_version);
    const auto identifier = child_of(system, "VirtualSystemIdentifier");
    if (machine.identity.name.empty()) machine.identity.name = trim(text_of(identifier));
    document_.claim(identifier, Aspect::name);
    document_.claim_rest(system, Aspect::structure);
    VMLIFT_CHECK(read_ovf_hardware(document_, envelope_, properties, section, machine));
    VMLIFT_CHECK(read_vmware_settings(document_, section, machine));
    for (const Nic& nic : machine.nics) {
      const auto network = envelope_.networks.find(nic.network.name);
      if (network == envelope_.networks.end()) continue;
      document_.claim_rest(network->second, Aspect::nic_network, nic.index);
    }
    return {};
  }

  /// "vmx-10 vmx-19": the versions that the machine runs on; the highest is the one it had.
  static std::optional<std::uint32_t> highest_version(std::string_view text) {
    std::optional<std::uint32_t> highest;
    for (auto at = text.find("vmx-"); at != std::string_view::npos;
         at = text.find("vmx-", at + 4)) {
      const auto digits = text.substr(at + 4);
      const auto number = parse_unsigned(digits.substr(0, digits.find_first_not_of("0123456789")));
      if (number && *number < 1000)
        highest = std::max(highest.value_or(0), static_cast<std::uint32_t>(*number));
    }
    return highest;
  }

  PropertyValues read_properties(pugi::xml_node system, Machine& machine) {
    PropertyValues values;
    for (const auto section : ovf_sections(system, "ProductSection")) {
      const std::string_view domain = attribute_of(section, "class").value();
      const std::string_view instance = attribute_of(section, "instance").value();
      for (const auto node : children_of(section, "Property")) {
        Property property;
        const std::string_view key = attribute_of(node, "key").value();
        property.key = fmt::format("{}{}{}{}{}", domain, domain.empty() ? "" : ".", key,
                                   instance.empty() ? "" : ".", instance);
        property.type = attribute_of(node, "type").value();
        property.value = attribute_of(node, "value").value();
        for (const auto value : children_of(node, "Value"))
          if (attribute_of(value, "configuration").value() == envelope_.selected)
            property.value = attribute_of(value, "value").value();
        property.label = trim(text_of(child_of(node, "Label")));
        property.user_configurable =
            parse_bool(attribute_of(node, "userConfigurable").value()).value_or(false);
        values.emplace(key, property.value);
        values.emplace(property.key, property.value);
        document_.claim_rest(node, Aspect::property,
                             static_cast<std::uint32_t>(machine.properties.size()));
        machine.properties.push_back(std::move(property));
      }
      document_.claim_rest(section, Aspect::legal);
    }
    for (const auto section : ovf_sections(system, "EulaSection"))
      document_.claim_rest(section, Aspect::legal);
    return values;
  }

  void read_operating_system(pugi::xml_node system, Machine& machine) {
    for (const auto section : ovf_sections(system, "OperatingSystemSection")) {
      GuestOs& os = machine.guest_os;
      const auto type = attribute_of(section, "osType");
      const auto id = attribute_of(section, "id");
      if (const auto number = parse_unsigned(id.value()); number && *number <= 0xffff)
        os.cim_id = static_cast<std::uint32_t>(*number);
      if (type) {
        os.source_id = type.value();
        os.id = vmx_id_from_vsphere(type.value());
      } else if (const auto box = child_of(section, "OSType")) {
        os.source_id = trim(text_of(box));
        os.id = virtualbox_os(os.source_id);
      } else if (os.cim_id) {
        os.id = vmx_id_from_cim(*os.cim_id);
      }
      os.description = trim(text_of(child_of(section, "Description")));
      if (os.description.empty()) os.description = guest_os_description(os.id);
      document_.claim(child_of(section, "Info"), Aspect::structure);
      document_.claim_rest(section, Aspect::guest_os);
    }
  }

  /// "RedHat_64", "Ubuntu_64", "Windows2019_64".
  static std::string virtualbox_os(std::string_view type) {
    std::string id = lower(type);
    const bool is_64_bit = id.ends_with("_64");
    if (is_64_bit) id.resize(id.size() - 3);
    if (id == "redhat") id = "rhel9";
    if (id.starts_with("linux")) id = "otherlinux";
    if (id.starts_with("windows20")) id += "srv";
    if (id == "windows10") id = "windows9";
    return is_64_bit ? id + "-64" : id;
  }

  void finish(pugi::xml_node system, Machine& machine) {
    if (machine.identity.name.empty()) {
      machine.identity.name = fmt::format("machine-{}", definition_.machines.size());
      machine.warnings.push_back(
          {"VirtualSystem", document_.line(system), "the machine has no name"});
    }
    auto& uuid = machine.identity.smbios_uuid;
    if (uuid && (machine.hardware_version.value_or(0) >= kSwappedFromHardware ||
                 guest_family(machine.guest_os) == GuestFamily::windows))
      uuid->swapped = true;
  }

  XmlDocument& document_;
  const Envelope& envelope_;
  Definition& definition_;
  std::unordered_map<const void*, std::size_t> owners_;
};

/// Sections of the document as a whole that no machine claimed.
void claim_common_sections(XmlDocument& document) {
  const auto root = document.root();
  document.claim_for(XmlDocument::kNoMachine);
  for (const auto references : children_of(root, "References"))
    document.claim_rest(references, Aspect::absent, 0, "a file that no disk of a machine uses");
  for (const auto section : ovf_sections(root, "DiskSection")) {
    document.claim(child_of(section, "Info"), Aspect::structure);
    document.claim_rest(section, Aspect::absent, 0, "a disk that no machine uses");
  }
  for (const auto section : ovf_sections(root, "NetworkSection")) {
    document.claim(child_of(section, "Info"), Aspect::structure);
    document.claim_rest(section, Aspect::network, 0, "a network that no NIC is connected to");
  }
  for (const auto section : ovf_sections(root, "DeploymentOptionSection"))
    document.claim_rest(section, Aspect::structure);
  const auto startup = [&](auto&& self, pugi::xml_node parent) -> void {
    for (const auto section : ovf_sections(parent, "StartupSection"))
      document.claim_rest(section, Aspect::startup_order);
    for (const auto collection : ovf_sections(parent, "VirtualSystemCollection")) {
      document.claim(attribute_of(collection, "id"), Aspect::structure);
      document.claim(child_of(collection, "Info"), Aspect::structure);
      document.claim(child_of(collection, "Name"), Aspect::structure);
      self(self, collection);
    }
  };
  startup(startup, root);
  for (const auto attribute : root.attributes()) document.claim(attribute, Aspect::structure);
}

}  // namespace

bool is_ovf(std::string_view text, std::string_view file_name) {
  if (lower(file_name).ends_with(".ovf")) return true;
  const std::string_view head = text.substr(0, 64 << 10);
  return head.find("<Envelope") != std::string_view::npos ||
         head.find(":Envelope") != std::string_view::npos;
}

Result<Definition> parse_ovf(std::string_view text, const ParseOptions& options) {
  VMLIFT_TRY(XmlDocument document, XmlDocument::parse(text, options.limits));
  if (local_name(document.root()) != "Envelope")
    return bad_ovf(document, document.root(), "the root element is no OVF Envelope");
  Definition definition;
  definition.dialect = "ovf";
  VMLIFT_TRY(const Envelope envelope, read_envelope(document, options, definition));
  OvfReader reader(document, envelope, definition);
  VMLIFT_CHECK(reader.read_all(document.root()));
  if (definition.machines.empty())
    return bad_ovf(document, document.root(), "the envelope holds no VirtualSystem");
  claim_common_sections(document);
  document.account(
      [&](std::size_t machine, SourceKey key) {
        auto& keys = machine < definition.machines.size() ? definition.machines[machine].keys
                                                          : definition.keys;
        keys.push_back(std::move(key));
      },
      reader.owners());
  return definition;
}

}  // namespace vmlift::vm
