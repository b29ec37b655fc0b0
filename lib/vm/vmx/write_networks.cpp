// Network cards in a VMX.
#include <fmt/format.h>

#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/vmx_writer.hpp"

namespace vmlift::vm {

void VmxWriter::nic(std::size_t at) {
  const Nic& nic = machine_.nics[at];
  const std::string name = fmt::format("ethernet{}", nic.index);
  set(name + ".present", true);
  const std::string model = vmware_nic_model(nic, decisions_);
  set_if(name + ".virtualDev", model == "vmxnet2" ? "vmxnet" : model);
  if (model == "vmxnet2") set(name + ".features", "15");
  account_.tell(Aspect::nic_model, at,
                model == nic.model ? kept(name + ".virtualDev")
                                   : mapped(name + ".virtualDev", fmt::format("is {} now", model)));
  mac(nic, name);
  network(at, nic, name);
  if (nic.pci_slot) set_number(name + ".pciSlotNumber", *nic.pci_slot);
  if (!nic.connected) set(name + ".startConnected", false);
  if (nic.wake_on_lan) set(name + ".wakeOnPcktRcv", true);
}

void VmxWriter::mac(const Nic& nic, const std::string& name) {
  if (nic.mac.empty()) {
    set(name + ".addressType", "generated");
    return;
  }
  // VMware refuses an address outside the range of its class.
  const Nic::MacClass own = mac_class_of(nic.mac);
  if (own == Nic::MacClass::generated || own == Nic::MacClass::manager) {
    set(name + ".addressType", own == Nic::MacClass::generated ? "generated" : "vpx");
    set(name + ".generatedAddress", nic.mac);
    return;
  }
  set(name + ".addressType", "static");
  set(name + ".address", nic.mac);
  if (own != Nic::MacClass::fixed) set(name + ".checkMACAddress", false);
}

void VmxWriter::network(std::size_t at, const Nic& nic, const std::string& name) {
  const NetworkReference& network = nic.network;
  if (const NetworkTarget* to = mapped_network(nic, request_.options.networks)) {
    set(name + ".networkName", vmware_network_name(*to));
    return;
  }
  set_if(name + ".networkName", network.name);
  const std::string& kind = network.kind;
  if (kind == "bridged" || kind == "nat" || kind == "hostonly" || kind == "custom")
    set(name + ".connectionType", kind);
  set_if(name + ".vnet", network.device);
  set_if(name + ".dvs.switchId", network.switch_id);
  if (!network.switch_id.empty() || kind == "dvs")
    set_if(name + ".dvs.portgroupId", network.portgroup);
  if (kind == "opaque") {
    set(name + ".opaqueNetwork.id", network.portgroup);
    set(name + ".opaqueNetwork.type", "nsx.LogicalSwitch");
  }
  if (!machine_.hardware_version)
    account_.tell(
        Aspect::nic_network, at,
        needs_action("make sure that VMware has a port group of this name, or map it (--map)",
                     "networks of KVM hosts are not VMware's"));
}

}  // namespace vmlift::vm
