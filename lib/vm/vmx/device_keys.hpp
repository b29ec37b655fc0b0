// The keys of a VMX that belong to one device: "scsi0:1.fileName", "ethernet0.address".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/vmx/dictionary.hpp"

namespace vmlift::vm {

enum class VmxDeviceKind {
  controller,
  drive,
  floppy,
  nic,
  serial,
  parallel,
  sound,
  usb_port,
  passthrough
};

/// A device's name in keys.
struct VmxDeviceName {
  VmxDeviceKind kind{};
  Address address;  ///< of drives, floppies and controllers; `controller` is the index of others
  auto operator<=>(const VmxDeviceName&) const = default;
};

struct VmxDevice {
  std::string prefix;                                     ///< as first written: "scsi0:1"
  std::vector<std::pair<std::size_t, std::string>> keys;  ///< entry and lower-case rest of its key
};
using VmxDevices = std::map<VmxDeviceName, VmxDevice>;

/// The device that a lower-case key belongs to, and the rest of the key behind the dot.
std::optional<std::pair<VmxDeviceName, std::string>> vmx_device_of(std::string_view lower);

/// Makes the machine's devices out of their keys; tags the keys (`machine.keys` holds one for
/// each entry of the dictionary, in the same order).
Result<void> read_vmx_devices(const VmxDictionary& dictionary, const VmxDevices& devices,
                              Machine& machine);

}  // namespace vmlift::vm
