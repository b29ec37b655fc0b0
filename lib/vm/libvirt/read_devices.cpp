// The devices of a domain, and those that are neither storage nor network.
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/libvirt/domain_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

constexpr std::size_t kMostDevices = 4096;

}  // namespace

Result<void> DomainReader::devices() {
  const auto devices = child_of(domain_, "devices");
  std::size_t count = 0;
  for (const auto node : devices.children()) {
    if (node.type() != pugi::node_element) continue;
    if (++count > kMostDevices)
      return fail(ErrorCode::Limit, "a domain of more than {} devices", kMostDevices);
    VMLIFT_CHECK(device(node, local_name(node)));
  }
  return {};
}

Result<void> DomainReader::device(pugi::xml_node node, std::string_view name) {
  if (name == "disk") return disk(node);
  if (name == "interface") return interface(node);
  if (name == "controller")
    controller(node);
  else if (name == "serial")
    port(node, machine_.serials, Aspect::serial_port);
  else if (name == "parallel")
    port(node, machine_.parallels, Aspect::parallel_port);
  else if (name == "console")
    document_.claim_rest(node, Aspect::structure);
  else if (name == "sound") {
    machine_.sound = attribute_of(node, "model").value();
    document_.claim_rest(node, Aspect::sound);
  } else if (name == "video")
    video(node);
  else if (name == "graphics")
    document_.claim_rest(node, Aspect::video);
  else if (name == "tpm") {
    machine_.tpm = true;
    document_.claim_rest(node, Aspect::tpm);
  } else if (name == "watchdog") {
    machine_.watchdog = true;
    document_.claim_rest(node, Aspect::watchdog);
  } else if (name == "hostdev")
    hostdev(node);
  else if (name == "redirdev" || name == "input" || name == "hub")
    document_.claim_rest(node, Aspect::usb_device);
  else if (name == "filesystem")
    document_.claim_rest(node, Aspect::shared_folder);
  else if (name == "channel" || name == "memballoon" || name == "rng" || name == "panic" ||
           name == "emulator")
    document_.claim_rest(node, Aspect::tools);
  return {};
}

void DomainReader::port(pugi::xml_node node, std::vector<Port>& ports, Aspect aspect) {
  const auto index = static_cast<std::uint32_t>(ports.size());
  const auto source = child_of(node, "source");
  std::string target = attribute_of(source, "path").value();
  if (target.empty()) target = attribute_of(source, "host").value();
  ports.push_back({index, attribute_of(node, "type").value(), target});
  document_.claim_rest(node, aspect, index);
}

void DomainReader::video(pugi::xml_node node) {
  const auto model = child_of(node, "model");
  if (machine_.video.model.empty()) {
    machine_.video.model = attribute_of(model, "type").value();
    if (const auto kibibytes = parse_unsigned(attribute_of(model, "vram").value()))
      machine_.video.memory = checked_multiply<std::uint64_t>(*kibibytes, 1024);
  }
  document_.claim_rest(node, Aspect::video);
}

void DomainReader::hostdev(pugi::xml_node node) {
  const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
  machine_.passthrough.push_back(
      {attribute_of(node, "type").value(), attribute_of(node, "mode").value()});
  document_.claim_rest(node, Aspect::passthrough, index);
}

}  // namespace vmlift::vm
