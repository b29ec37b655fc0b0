// The devices of a manifest, and those that are neither storage nor network.
#include "vm/kubevirt/manifest_writer.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {

void ManifestWriter::devices() {
  devices_ = Json::object();
  for (const TargetDrive& drive : drives_.disks) disk(drive);
  for (std::size_t index = 0; index < machine_.nics.size(); ++index) nic(index);
  devices_["disks"] = disks_;
  devices_["interfaces"] = interfaces_;
  if (machine_.nics.empty()) devices_["autoattachPodInterface"] = false;
  devices_["inputs"] = Json::array({{{"name", "tablet"}, {"type", "tablet"}, {"bus", "usb"}}});
  if (decisions_.is("guest-devices", "yes"))
    devices_["rng"] = Json::object();
  else
    devices_["autoattachMemBalloon"] = false;
  if (machine_.watchdog)
    devices_["watchdog"] = {{"name", "watchdog"}, {"i6300esb", {{"action", "reset"}}}};
  if (!machine_.serials.empty()) devices_["autoattachSerialConsole"] = true;
  const std::string& sound = decisions_["sound"];
  if (sound == "ich9" || sound == "ac97") {
    devices_["sound"] = {{"name", "sound"}, {"model", sound}};
    account_.tell(Aspect::sound, mapped("devices/sound"));
  }
  tpm();
  domain_["devices"] = devices_;
}

void ManifestWriter::tpm() {
  if (decisions_.is("tpm", "yes")) devices_["tpm"] = {{"persistent", true}};
  if (!machine_.tpm) return;
  account_.tell(
      Aspect::tpm,
      needs_action(
          "have the recovery keys of BitLocker, LUKS or whatever was sealed to the TPM at hand before the first boot",
          decisions_.is("tpm", "yes") ? "the target has a TPM, but a new and empty one"
                                      : decisions_.reason("tpm")));
}

}  // namespace vmlift::vm
