// What VMware and VirtualBox add to an OVF: vmw:Config, vmw:ExtraConfig and vbox:Machine.
#pragma once

#include <pugixml.hpp>

#include "vm/xml_document.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

/// vmw:Config and vmw:ExtraConfig of the hardware section. Errors: BadOvf.
Result<void> read_vmware_settings(XmlDocument& document, pugi::xml_node hardware, Machine& machine);
/// VirtualBox' own element holds the true firmware, clock, UUID and MACs.
void read_virtualbox_machine(XmlDocument& document, pugi::xml_node system, Machine& machine);
/// Whether the element is vmw:Config or vmw:ExtraConfig; its key and value then.
bool is_vmware_setting(pugi::xml_node node, std::string& key, std::string& value);

}  // namespace vmlift::vm
