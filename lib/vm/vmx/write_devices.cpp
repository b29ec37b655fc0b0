// Devices of a VMX that are neither storage nor network.
#include <fmt/format.h>

#include "vm/vmx/vmx_writer.hpp"

namespace vmlift::vm {

void VmxWriter::ports(const std::vector<Port>& ports, std::string_view kind) {
  for (const Port& port : ports) {
    const std::string name = fmt::format("{}{}", kind, port.index);
    set(name + ".present", true);
    const bool known = port.kind == "file" || port.kind == "pipe" || port.kind == "network" ||
                       port.kind == "device" || port.kind == "thinprint";
    set(name + ".fileType", known ? port.kind : "device");
    set_if(name + ".fileName", known ? port.target : "auto detect");
  }
}

void VmxWriter::other_devices() {
  if (machine_.usb.uhci) set("usb.present", true);
  if (machine_.usb.ehci) set("ehci.present", true);
  if (machine_.usb.xhci) set("usb_xhci.present", true);
  if (!machine_.sound.empty()) {
    set("sound.present", true);
    const bool known =
        machine_.sound == "sb16" || machine_.sound == "es1371" || machine_.sound == "hdaudio";
    set("sound.virtualDev", known ? machine_.sound : "hdaudio");
  }
  if (machine_.video.memory && machine_.hardware_version)
    set_number("svga.vramSize", *machine_.video.memory);
  if (machine_.video.displays) set_number("svga.numDisplays", *machine_.video.displays);
  if (machine_.video.accelerated) set("mks.enable3d", true);
}

}  // namespace vmlift::vm
