// What a NIC becomes on a KVM guest: its model and what it is plugged into.
#pragma once

#include <string>

#include "vm/decision.hpp"

namespace vmlift::vm {

/// The target's word for a NIC's model, and why it is not the one decided upon.
struct NicModel {
  std::string name;
  std::string reason;  ///< where the decision could not be followed
};
NicModel target_nic_model(const Nic& nic, const Decisions& decisions);

/// The map's entry for a NIC, by any of the names that its network has; nullptr: not mapped.
const NetworkTarget* mapped_network(const Nic& nic, const NetworkMap& map);

/// "the port group \"VM Network\"", for messages.
std::string network_description(const Nic& nic);

}  // namespace vmlift::vm
