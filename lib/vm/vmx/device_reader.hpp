// Makes a machine's devices out of their keys: one member for each kind. The parts lie in
// read_*.cpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.hpp"
#include "vm/aspect.hpp"
#include "vm/vmx/device_keys.hpp"

namespace vmlift::vm {

/// One key of a kind of device.
template <class Device>
struct DeviceKey {
  std::string_view rest;
  Aspect aspect;
  Result<void> (*read)(Device& device, const VmxEntry& entry) = nullptr;
};

/// A PCI slot number, unless VMware has not chosen one yet.
Result<void> read_slot(std::optional<std::uint32_t>& slot, const VmxEntry& e);

/// A drive before it is known whether it is a disk or removable.
struct RawDrive {
  std::string file_name;
  std::string device_type;
  std::string mode;
  std::string sharing;
  std::string shares;
  std::optional<std::uint64_t> throughput_cap;
  bool has_file_name = false;
  bool start_connected = true;
  bool client_device = false;
  bool auto_detect = false;
  bool change_tracking = false;
};

/// Runs the rows of a table over a device's keys and tags them. Keys of the device that no row
/// knows get `otherwise`.
template <class Device, std::size_t Rows>
Result<void> read_keys(const DeviceKey<Device> (&rows)[Rows], Device& device, const VmxDevice& keys,
                       const VmxDictionary& dictionary, Machine& machine, std::uint32_t index,
                       Aspect otherwise) {
  for (const auto& [at, rest] : keys.keys) {
    SourceKey& source = machine.keys[at];
    if (dictionary.entries[at].duplicate) continue;
    const auto row = std::ranges::find(rows, std::string_view(rest), &DeviceKey<Device>::rest);
    source.device = index;
    source.aspect = row == std::end(rows) ? otherwise : row->aspect;
    if (row != std::end(rows) && row->read != nullptr)
      VMLIFT_CHECK(row->read(device, dictionary.entries[at]));
  }
  return {};
}

/// Tags every key of a device.
void tag(const VmxDevice& device, Machine& machine, Aspect aspect, std::uint32_t index,
         std::string_view note = {});

class DeviceReader {
 public:
  DeviceReader(const VmxDictionary& dictionary, const VmxDevices& devices, Machine& machine)
      : dictionary_(dictionary), devices_(devices), machine_(machine) {}

  Result<void> read(const VmxDeviceName& name, const VmxDevice& device);

 private:
  const VmxEntry* value(const VmxDevice& device, std::string_view rest) const;
  bool present(const VmxDeviceName& name, const VmxDevice& device);
  bool has_drives(const Address& controller) const;

  // read_storage.cpp

  Result<void> controller(const VmxDeviceName& name, const VmxDevice& device);
  Result<void> drive(const VmxDeviceName& name, const VmxDevice& device);
  Result<void> medium(const VmxDeviceName& name, const VmxDevice& device, const RawDrive& raw,
                      Medium::Kind kind);
  Result<void> floppy(const VmxDeviceName& name, const VmxDevice& device);

  // read_networks.cpp

  Result<void> nic(const VmxDeviceName& name, const VmxDevice& device);

  // read_devices.cpp

  Result<void> port(const VmxDeviceName& name, const VmxDevice& device, std::vector<Port>& ports,
                    Aspect aspect);
  Result<void> sound(const VmxDevice& device);
  Result<void> usb_port(const VmxDevice& device);
  Result<void> passthrough(const VmxDevice& device);

  const VmxDictionary& dictionary_;
  const VmxDevices& devices_;
  Machine& machine_;
};

}  // namespace vmlift::vm
