// The VMX dialect: VMware's own configuration file of one machine.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "vm/dialect.hpp"

namespace vmlift::vm {

bool is_vmx(std::string_view text, std::string_view file_name);
Result<Definition> parse_vmx(std::string_view text, const ParseOptions& options);
std::span<const AspectRule> vmx_account_rules();
Result<Written> write_vmx(const WriteRequest& request);

}  // namespace vmlift::vm
