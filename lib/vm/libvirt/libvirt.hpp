// The libvirt dialect: domain XML.
#pragma once

#include <string_view>

#include "vm/dialect.hpp"

namespace vmlift::vm {

bool is_libvirt(std::string_view text, std::string_view file_name);
Result<Definition> parse_libvirt(std::string_view text, const ParseOptions& options);
Result<Written> write_libvirt(const WriteRequest& request);

}  // namespace vmlift::vm
