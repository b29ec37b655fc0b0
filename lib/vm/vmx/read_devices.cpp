// Devices of a VMX that are neither storage nor network.
#include "vm/scalar.hpp"
#include "vm/vmx/device_reader.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

using R = Result<void>;
using E = VmxEntry;

constexpr DeviceKey<Port> kPortKeys[] = {
    {"filetype", Aspect::serial_port,
     [](Port& p, const E& e) -> R {
       p.kind = lower(trim(e.value));
       return {};
     }},
    {"filename", Aspect::serial_port,
     [](Port& p, const E& e) -> R {
       p.target = e.value;
       return {};
     }},
};

}  // namespace

R DeviceReader::port(const VmxDeviceName& name, const VmxDevice& device, std::vector<Port>& ports,
                     Aspect aspect) {
  Port port;
  port.index = name.address.controller;
  const auto index = static_cast<std::uint32_t>(ports.size());
  VMLIFT_CHECK(read_keys(kPortKeys, port, device, dictionary_, machine_, index, aspect));
  tag(device, machine_, aspect, index);
  ports.push_back(std::move(port));
  return {};
}

R DeviceReader::sound(const VmxDevice& device) {
  tag(device, machine_, Aspect::sound, 0);
  const VmxEntry* model = value(device, "virtualdev");
  machine_.sound = model != nullptr ? lower(trim(model->value)) : "es1371";
  return {};
}

R DeviceReader::usb_port(const VmxDevice& device) {
  tag(device, machine_, Aspect::usb_device, 0);
  return {};
}

R DeviceReader::passthrough(const VmxDevice& device) {
  const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
  tag(device, machine_, Aspect::passthrough, index);
  const VmxEntry* vgpu = value(device, "vgpu");
  const VmxEntry* id = value(device, "id");
  if (id == nullptr) id = value(device, "deviceid");
  machine_.passthrough.push_back({vgpu != nullptr ? "vgpu" : "pci", vgpu != nullptr ? vgpu->value
                                                                    : id != nullptr
                                                                        ? id->value
                                                                        : device.prefix});
  return {};
}

}  // namespace vmlift::vm
