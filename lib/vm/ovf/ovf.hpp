// The OVF dialect: DMTF's Open Virtualization Format 0.9, 1.x and 2.x, with the extensions of
// VMware and VirtualBox.
#pragma once

#include <string_view>

#include "vmlift/vm.hpp"

namespace vmlift::vm {

bool is_ovf(std::string_view text, std::string_view file_name);
Result<Definition> parse_ovf(std::string_view text, const ParseOptions& options);

}  // namespace vmlift::vm
