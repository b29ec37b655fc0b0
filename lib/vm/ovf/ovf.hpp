// The OVF dialect: DMTF's Open Virtualization Format. Versions 0.9, 1.x and 2.x are read, with
// the extensions of VMware and VirtualBox; 1.x with VMware's extensions is written.
#pragma once

#include <span>
#include <string_view>

#include "vm/dialect.hpp"

namespace vmlift::vm {

bool is_ovf(std::string_view text, std::string_view file_name);
Result<Definition> parse_ovf(std::string_view text, const ParseOptions& options);
std::span<const AspectRule> ovf_account_rules();
Result<Written> write_ovf(const WriteRequest& request);

}  // namespace vmlift::vm
