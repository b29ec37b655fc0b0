// Reads a libvirt domain of any driver: QEMU/KVM, Xen, VMware.
#include <fmt/format.h>

#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/guest_os.hpp"
#include "vm/libvirt/domain_reader.hpp"
#include "vm/libvirt/libvirt.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

Result<void> DomainReader::read() {
  document_.claim_for(0);
  type_ = attribute_of(domain_, "type").value();
  document_.claim(attribute_of(domain_, "type"), Aspect::structure);
  document_.claim(attribute_of(domain_, "id"), Aspect::bookkeeping);
  VMLIFT_CHECK(identity());
  VMLIFT_CHECK(memory());
  VMLIFT_CHECK(processors());
  firmware();
  features();
  VMLIFT_CHECK(clock());
  VMLIFT_CHECK(devices());
  for (const char* name :
       {"on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "pm", "seclabel", "resource"})
    rest(name, Aspect::bookkeeping);
  return {};
}

std::unexpected<Error> DomainReader::bad(pugi::xml_node at, std::string_view what) const {
  return fail(ErrorCode::BadXml, "line {}: {}", document_.line(at), printable_utf8(what));
}

std::string_view DomainReader::take(pugi::xml_node parent, const char* name, Aspect aspect,
                                    std::uint32_t device) {
  const auto child = child_of(parent, name);
  document_.claim(child, aspect, device);
  return text_of(child);
}

void DomainReader::rest(const char* name, Aspect aspect) {
  for (const auto node : children_of(domain_, name)) document_.claim_rest(node, aspect);
}

Result<void> DomainReader::identity() {
  Identity& identity = machine_.identity;
  identity.name = take(domain_, "name", Aspect::name);
  const std::string title(take(domain_, "title", Aspect::name));
  if (trim(identity.name).empty()) return bad(domain_, "the domain has no name");
  identity.annotation = take(domain_, "description", Aspect::annotation);
  const auto uuid_node = child_of(domain_, "uuid");
  if (const std::string_view text = take(domain_, "uuid", Aspect::smbios_uuid); !text.empty()) {
    const auto uuid = parse_uuid(text);
    if (!uuid) return bad(uuid_node, fmt::format("uuid \"{}\" is no UUID", text));
    // QEMU and Xen store the fields so that the guest reads what the XML says.
    identity.smbios_uuid = SmbiosUuid{*uuid, false};
  }
  if (const std::string_view text = trim(take(domain_, "genid", Aspect::generation_id));
      !text.empty()) {
    const auto guid = parse_uuid(text);
    if (!guid) return bad(child_of(domain_, "genid"), fmt::format("genid \"{}\" is no UUID", text));
    identity.generation = GenerationId::from_guid(*guid);
  }
  if (const std::string_view text = trim(take(domain_, "hwuuid", Aspect::smbios_uuid));
      !text.empty()) {
    // Newer libvirt keeps vCenter's id in <uuid> and the guest's in <hwuuid>.
    if (const auto uuid = parse_uuid(text)) {
      if (identity.smbios_uuid) identity.instance_uuid = identity.smbios_uuid->stored;
      identity.smbios_uuid = SmbiosUuid{*uuid, false};
    }
  }
  const auto sysinfo = child_of(domain_, "sysinfo");
  for (const auto entry : children_of(child_of(sysinfo, "system"), "entry")) {
    const std::string_view name = attribute_of(entry, "name").value();
    if (name != "serial") continue;
    identity.serial = text_of(entry);
    document_.claim(entry, Aspect::serial_number);
    document_.claim(attribute_of(entry, "name"), Aspect::serial_number);
  }
  document_.claim(attribute_of(sysinfo, "type"), Aspect::structure);
  metadata(title);
  return {};
}

void DomainReader::metadata(const std::string& title) {
  const auto metadata = child_of(domain_, "metadata");
  for (const auto info : children_of(metadata, "libosinfo")) {
    machine_.guest_os.source_id = attribute_of(child_of(info, "os"), "id").value();
    document_.claim_rest(info, Aspect::guest_os);
  }
  const bool is_64_bit =
      std::string_view(attribute_of(child_of(child_of(domain_, "os"), "type"), "arch").value()) !=
      "i686";
  if (!machine_.guest_os.source_id.empty())
    machine_.guest_os.id = vmx_id_from_libosinfo(machine_.guest_os.source_id, is_64_bit);
  if (const auto source = child_of(metadata, "source")) {
    const auto machine = child_of(source, "machine");
    if (const std::string_view name = attribute_of(machine, "name").value();
        !name.empty() && !title.empty()) {
      machine_.identity.name = name;
      document_.claim(attribute_of(machine, "name"), Aspect::name);
    }
    if (const auto instance = attribute_of(child_of(source, "instance"), "uuid")) {
      machine_.identity.instance_uuid = parse_uuid(instance.value());
      document_.claim(instance, Aspect::instance_uuid);
    }
    for (const auto nic : children_of(source, "nic"))
      nic_names_[attribute_of(nic, "mac").value()] = attribute_of(nic, "name").value();
    document_.claim_rest(source, Aspect::bookkeeping);
  }
  machine_.guest_os.description = guest_os_description(machine_.guest_os.id);
  if (metadata) document_.claim_rest(metadata, Aspect::bookkeeping);
}

bool is_libvirt(std::string_view text, std::string_view) {
  const std::string_view head = text.substr(0, 64 << 10);
  return head.find("<domain") != std::string_view::npos &&
         head.find("<domainCapabilities") == std::string_view::npos &&
         head.find("<domainsnapshot") == std::string_view::npos;
}

Result<Definition> parse_libvirt(std::string_view text, const ParseOptions& options) {
  VMLIFT_TRY(XmlDocument document, XmlDocument::parse(text, options.limits));
  if (local_name(document.root()) != "domain")
    return fail(ErrorCode::BadXml, "line {}: the root element is no libvirt domain",
                document.line(document.root()));
  Definition definition;
  definition.dialect = "libvirt";
  definition.machines.emplace_back();
  Machine& machine = definition.machines.front();
  VMLIFT_CHECK(DomainReader(document, machine).read());
  document.account([&](std::size_t, SourceKey key) { machine.keys.push_back(std::move(key)); }, {});
  return definition;
}

}  // namespace vmlift::vm
