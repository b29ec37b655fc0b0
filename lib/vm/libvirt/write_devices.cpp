// The devices of a domain, and those that are neither storage nor network.
#include <fmt/format.h>

#include <algorithm>

#include "vm/libvirt/domain_writer.hpp"
#include "vm/target_drives.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {

void DomainWriter::devices() {
  devices_ = add_element(domain_, "devices");
  for (const TargetDrive& drive : drives_.disks) disk(drive);
  for (const TargetMedium& target : drives_.media) medium(target);
  controllers();
  for (std::size_t index = 0; index < machine_.nics.size(); ++index) nic(index);
  ports();
  if (!is_xen()) add_element(devices_, "input", {{"type", "tablet"}, {"bus", "usb"}});
  tpm();
  display();
  if (is_xen()) return;
  if (machine_.watchdog)
    add_element(devices_, "watchdog", {{"model", "i6300esb"}, {"action", "reset"}});
  guest_devices();
}

void DomainWriter::xen_has_no() {
  for (const Aspect aspect :
       {Aspect::generation_id, Aspect::serial_number, Aspect::watchdog, Aspect::usb, Aspect::hpet})
    account_.tell(aspect, dropped("a Xen guest has no such thing in libvirt"));
}

void DomainWriter::ports() {
  const std::string& kind = decisions_["serial"];
  if (kind == "none") {
    account_.tell(Aspect::serial_port, dropped("no serial ports: --set serial=none"));
    return;
  }
  const std::size_t count =
      std::max<std::size_t>(1, std::min<std::size_t>(4, machine_.serials.size()));
  for (std::size_t port = 0; port < count; ++port) {
    const Port* source = port < machine_.serials.size() ? &machine_.serials[port] : nullptr;
    const bool file = kind == "source" && source != nullptr && source->kind == "file" &&
                      source->target.starts_with('/');
    auto serial = add_element(devices_, "serial", {{"type", file ? "file" : "pty"}});
    if (file) add_element(serial, "source", {{"path", source->target}});
    add_element(serial, "target", {{"port", std::to_string(port)}});
  }
  for (std::size_t port = count; port < machine_.serials.size(); ++port)
    account_.tell(Aspect::serial_port, port, dropped("a PC has four serial ports"));
}

void DomainWriter::tpm() {
  if (!machine_.tpm && !decisions_.is("tpm", "yes")) return;
  account_.tell(
      Aspect::tpm,
      needs_action(
          "have the recovery keys of BitLocker, LUKS or whatever was sealed to the TPM at hand before the "
          "first boot, or suspend the protection in the source",
          decisions_.is("tpm", "yes")
              ? "the target has a TPM, but a new and empty one"
              : fmt::format("the target has no TPM: {}", decisions_.reason("tpm"))));
  if (!decisions_.is("tpm", "yes")) return;
  const auto tpm = add_element(devices_, "tpm", {{"model", "tpm-crb"}});
  add_element(tpm, "backend",
              {{"type", "emulator"}, {"version", "2.0"}, {"persistent_state", "yes"}});
}

void DomainWriter::display() {
  const auto graphics =
      add_element(devices_, "graphics", {{"type", "vnc"}, {"port", "-1"}, {"autoport", "yes"}});
  add_element(graphics, "listen", {{"type", "address"}, {"address", "127.0.0.1"}});
  if (!decisions_.is("sound", "none")) {
    add_element(devices_, "sound", {{"model", decisions_["sound"]}});
    account_.tell(Aspect::sound, mapped("devices/sound", decisions_.reason("sound")));
  }
  const std::string& model = decisions_["video"];
  auto element = add_element(add_element(devices_, "video"), "model", {{"type", model}});
  if (model == "vga") element.append_attribute("vram") = "16384";
}

void DomainWriter::guest_devices() {
  if (!decisions_.is("guest-devices", "yes")) {
    add_element(devices_, "memballoon", {{"model", "none"}});
    return;
  }
  const auto channel = add_element(devices_, "channel", {{"type", "unix"}});
  add_element(channel, "target", {{"type", "virtio"}, {"name", "org.qemu.guest_agent.0"}});
  add_element(devices_, "memballoon", {{"model", "virtio"}});
  const auto random = add_element(devices_, "rng", {{"model", "virtio"}});
  add_text(random, "backend", "/dev/urandom", {{"model", "random"}});
}

}  // namespace vmlift::vm
