// The VMX dialect: VMware's own configuration file of one machine.
#pragma once

#include <string>
#include <string_view>

#include "vmlift/vm.hpp"

namespace vmlift::vm {

bool is_vmx(std::string_view text, std::string_view file_name);
Result<Definition> parse_vmx(std::string_view text, const ParseOptions& options);

}  // namespace vmlift::vm
