// The KubeVirt dialect: VirtualMachine manifests, which are only written.
#pragma once

#include <span>
#include <vector>

#include "vm/dialect.hpp"

namespace vmlift::vm {

std::vector<DecisionRule> kubevirt_decisions();
std::span<const AspectRule> kubevirt_account_rules();
Result<Written> write_kubevirt(const WriteRequest& request);

}  // namespace vmlift::vm
