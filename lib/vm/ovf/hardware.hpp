// The items of a VirtualHardwareSection: processors, memory and devices.
#pragma once

#include <string>
#include <unordered_map>

#include "vm/ovf/envelope.hpp"

namespace vmlift::vm {

/// Default values of the system's properties, for "${key}".
using PropertyValues = std::unordered_map<std::string, std::string>;

/// Errors: BadOvf.
Result<void> read_ovf_hardware(XmlDocument& document, const Envelope& envelope,
                               const PropertyValues& properties, pugi::xml_node section,
                               Machine& machine);

}  // namespace vmlift::vm
