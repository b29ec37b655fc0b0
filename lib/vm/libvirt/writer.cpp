// Writes a libvirt domain for QEMU/KVM or Xen.
#include <algorithm>

#include "vm/encoding.hpp"
#include "vm/guest_os.hpp"
#include "vm/kvm_actions.hpp"
#include "vm/libvirt/domain_writer.hpp"
#include "vm/libvirt/libvirt.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr const char* kNamespace = "urn:vmlift:domain:1";
/// A domain's name is a file name to libvirt.
std::string domain_name(const std::string& name) {
  std::string safe;
  for (const char c : printable_utf8(name)) {
    const auto byte = static_cast<unsigned char>(c);
    safe += c == '/' || byte < 0x20 || byte == 0x7f ? '_' : c;
  }
  if (trim(safe).empty()) return "machine";
  return safe == "." || safe == ".." ? "_" + safe : safe;
}

std::string one_line(std::string_view text) {
  std::string line = printable_utf8(text);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  return line;
}

}  // namespace

Written DomainWriter::write() {
  domain_ = add_element(document_, "domain", {{"type", decisions_["domain-type"]}});
  identity();
  memory();
  processors();
  firmware();
  features();
  cpu();
  clock();
  for (const char* event : {"on_poweroff", "on_reboot", "on_crash"})
    add_text(domain_, event, event == std::string_view("on_reboot") ? "restart" : "destroy");
  devices();
  tell_kvm_actions(machine_, account_);
  tell_disk_serials(machine_, account_, "devices/disk/serial");
  if (is_xen()) xen_has_no();
  return {xml_text(document_), account_.entries(machine_)};
}

void DomainWriter::identity() {
  const Identity& identity = machine_.identity;
  const std::string name = domain_name(identity.name);
  add_text(domain_, "name", name);
  if (identity.smbios_uuid) {
    const bool management = decisions_.is("uuid", "management");
    const Uuid uuid =
        management ? identity.smbios_uuid->stored : identity.smbios_uuid->guest_visible();
    add_text(domain_, "uuid", uuid.text());
    if (uuid == identity.smbios_uuid->stored) account_.tell(Aspect::smbios_uuid, kept("uuid"));
  }
  if (identity.generation && !is_xen())
    add_text(domain_, "genid", identity.generation->guid().text());
  if (name != identity.name) {
    add_text(domain_, "title", one_line(identity.name));
    account_.tell(
        Aspect::name,
        mapped("name", "characters that a domain's name cannot have; the original is the title"));
  }
  if (!identity.annotation.empty()) add_text(domain_, "description", identity.annotation);
  metadata();
}

void DomainWriter::metadata() {
  const auto metadata = add_element(domain_, "metadata");
  if (const std::string id = libosinfo_id(machine_.guest_os); !id.empty()) {
    const auto info =
        add_element(metadata, "libosinfo:libosinfo",
                    {{"xmlns:libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0"}});
    add_element(info, "libosinfo:os", {{"id", id}});
  } else {
    account_.tell(Aspect::guest_os, mapped("metadata/vmlift:source", "libosinfo has no id for it"));
  }
  const auto source = add_element(metadata, "vmlift:source", {{"xmlns:vmlift", kNamespace}});
  add_element(source, "vmlift:machine",
              {{"name", machine_.identity.name}, {"dialect", request_.definition.dialect}});
  if (!machine_.guest_os.source_id.empty())
    add_element(source, "vmlift:guest", {{"id", machine_.guest_os.source_id}});
  if (machine_.identity.instance_uuid)
    add_element(source, "vmlift:instance", {{"uuid", machine_.identity.instance_uuid->text()}});
  for (const Nic& nic : machine_.nics)
    if (!nic.guest_name.empty())
      add_element(source, "vmlift:nic", {{"mac", nic.mac}, {"name", nic.guest_name}});
}

Result<Written> write_libvirt(const WriteRequest& request) { return DomainWriter(request).write(); }

}  // namespace vmlift::vm
