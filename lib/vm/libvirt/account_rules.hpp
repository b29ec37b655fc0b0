// What a libvirt domain does with each aspect of a machine, unless its writer says otherwise.
#pragma once

#include <span>

#include "vm/account.hpp"

namespace vmlift::vm {

std::span<const AspectRule> libvirt_account_rules();

}  // namespace vmlift::vm
