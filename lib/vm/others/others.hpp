// Small dialects that follow from the model and are only written: Proxmox' qm configuration,
// OpenStack's image properties, Xen's xl configuration. One file for each.
#pragma once

#include <span>

#include "vm/dialect.hpp"

namespace vmlift::vm {

std::span<const AspectRule> qm_account_rules();
Result<Written> write_qm(const WriteRequest& request);

std::span<const AspectRule> openstack_account_rules();
Result<Written> write_openstack(const WriteRequest& request);

std::vector<DecisionRule> xl_decisions();
std::span<const AspectRule> xl_account_rules();
Result<Written> write_xl(const WriteRequest& request);

}  // namespace vmlift::vm
