// Items of an OVF that are neither storage nor network.
#include <fmt/format.h>

#include "vm/ovf/envelope_writer.hpp"

namespace vmlift::vm {

void OvfWriter::other_devices() {
  const auto usb = [&](const char* subtype) {
    add_item(
        {{"ElementName", "USB Controller"}, {"ResourceSubType", subtype}, {"ResourceType", "23"}});
  };
  if (machine_.usb.ehci || machine_.usb.uhci) usb("vmware.usb.ehci");
  if (machine_.usb.xhci) usb("vmware.usb.xhci");
  for (const Port& port : machine_.serials)
    add_item({{"ElementName", fmt::format("Serial Port {}", port.index + 1)},
              {"ResourceSubType", "vmware.serialport.device"},
              {"ResourceType", "21"}});
  if (!machine_.sound.empty())
    add_item({{"ElementName", "Sound Card"},
              {"ResourceSubType", "vmware.soundcard.hdaudio"},
              {"ResourceType", "1"}});
  if (!machine_.tpm) return;
  add_item(
      {{"ElementName", "Virtual TPM"}, {"ResourceSubType", "vmware.vtpm"}, {"ResourceType", "1"}});
  account_.tell(Aspect::tpm, needs_action("have the recovery keys of BitLocker or LUKS at hand",
                                          "a TPM's secrets cannot be moved"));
}

}  // namespace vmlift::vm
