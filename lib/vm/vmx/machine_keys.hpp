// The keys of a VMX that belong to the machine as a whole.
#pragma once

#include <string_view>

#include "vm/aspect.hpp"
#include "vm/vmx/dictionary.hpp"

namespace vmlift::vm {

struct VmxMachineKey {
  std::string_view key;  ///< lower case; a '*' at the end stands for any rest
  Aspect aspect;
  Result<void> (*read)(Machine& machine, const VmxEntry& entry) = nullptr;
  std::string_view note = {};  ///< why it is set aside, where it is
};

/// The row for a lower-case key, or nullptr.
const VmxMachineKey* find_vmx_machine_key(std::string_view lower);

}  // namespace vmlift::vm
