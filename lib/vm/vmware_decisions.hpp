// The choices that the writers for VMware have to make: VMX and OVF.
#pragma once

#include <vector>

#include "vm/decision.hpp"

namespace vmlift::vm {

std::vector<DecisionRule> vmware_decisions();

/// A drive on a bus that VMware has.
struct VmwareDrive {
  Address address;
  std::string controller_model;  ///< of its controller
};
/// One for each of the machine's disks, then one for each CD-ROM (an empty model for floppies).
/// Places are kept where VMware has them; the others get free ones.
std::vector<VmwareDrive> plan_vmware_drives(const Machine& machine, const Decisions& decisions);

/// The controllers that those drives need, in order.
std::vector<Controller> vmware_controllers(const Machine& machine,
                                           const std::vector<VmwareDrive>& drives);

/// "vmxnet3", "e1000e", ...; empty: VMware's default card.
std::string vmware_nic_model(const Nic& nic, const Decisions& decisions);

/// The port group that a mapped network stands for.
const std::string& vmware_network_name(const NetworkTarget& target);

/// The UUID as VMware writes it for the hardware version that was decided upon, so that the
/// guest goes on seeing the one it knows.
Uuid vmware_bios_uuid(const Machine& machine, const Decisions& decisions);

/// "VMware-56 4d ...": the serial number that VMware makes of a UUID.
std::string vmware_serial(const Uuid& stored);

}  // namespace vmlift::vm
