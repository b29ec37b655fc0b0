// Items of an OVF that are neither storage nor network.
#include "base/checked.hpp"
#include "vm/ovf/hardware_reader.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"

namespace vmlift::vm {

Result<void> HardwareReader::port(const Item& item, std::vector<Port>& ports, Aspect aspect) {
  const auto index = static_cast<std::uint32_t>(ports.size());
  std::string kind = lower(item.subtype);
  if (const auto dot = kind.rfind('.'); dot != std::string::npos) kind = kind.substr(dot + 1);
  ports.push_back({index, kind, std::string(item.field("HostResource"))});
  settings(item, aspect, index);
  document_.claim_rest(item.node, aspect, index);
  return {};
}

Result<void> HardwareReader::usb(const Item& item) {
  if (contains_ignoring_case(item.subtype, "xhci"))
    machine_.usb.xhci = true;
  else if (contains_ignoring_case(item.subtype, "ehci"))
    machine_.usb.ehci = true;
  else
    machine_.usb.uhci = true;
  settings(item, Aspect::usb, 0);
  document_.claim_rest(item.node, Aspect::usb);
  return {};
}

Result<void> HardwareReader::video(const Item& item) {
  const auto number = [&](std::string_view key) { return parse_unsigned(setting(item, key)); };
  if (const auto kibibytes = number("videoramsizeinkb"))
    machine_.video.memory = checked_multiply<std::uint64_t>(*kibibytes, 1024);
  if (const auto displays = number("numdisplays"); displays && *displays < 64)
    machine_.video.displays = static_cast<std::uint32_t>(*displays);
  if (const auto enabled = parse_bool(setting(item, "enable3dsupport")))
    machine_.video.accelerated = *enabled;
  settings(item, Aspect::video, 0);
  document_.claim_rest(item.node, Aspect::video);
  return {};
}

Result<void> HardwareReader::tpm(const Item& item) {
  machine_.tpm = true;
  settings(item, Aspect::tpm, 0);
  document_.claim_rest(item.node, Aspect::tpm);
  return {};
}

Result<void> HardwareReader::sound(const Item& item, std::string_view subtype) {
  machine_.sound = contains_ignoring_case(subtype, "hda")    ? "hdaudio"
                   : contains_ignoring_case(subtype, "sb16") ? "sb16"
                                                             : "es1371";
  settings(item, Aspect::sound, 0);
  document_.claim_rest(item.node, Aspect::sound);
  return {};
}

Result<void> HardwareReader::other(const Item& item) {
  const std::string subtype = lower(item.subtype);
  if (subtype.find("vtpm") != std::string::npos) return tpm(item);
  if (subtype.find("soundcard") != std::string::npos) return sound(item, subtype);
  if (subtype.find("passthrough") != std::string::npos) {
    const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
    const bool vgpu = subtype.find("vmiop") != std::string::npos;
    machine_.passthrough.push_back({vgpu ? "vgpu" : "pci", std::string(item.field("ElementName"))});
    settings(item, Aspect::passthrough, index);
    document_.claim_rest(item.node, Aspect::passthrough, index);
    return {};
  }
  const bool known = subtype.starts_with("vmware.");
  settings(item, known ? Aspect::vmware_device : Aspect::unknown, 0);
  if (known) document_.claim_rest(item.node, Aspect::vmware_device);
  return {};
}

}  // namespace vmlift::vm
