// Characters: from a source's encoding to UTF-8, and what XML can hold.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vmlift::vm {

bool is_utf8(std::string_view text);
/// From the named encoding (an IANA or Windows name) to UTF-8; bytes that mean nothing in it
/// become U+FFFD. Nothing: the encoding is not known.
std::optional<std::string> to_utf8(std::string_view text, const std::string& encoding);
/// What XML 1.0 and JSON can hold: bytes that are no UTF-8 and forbidden control characters
/// become U+FFFD.
std::string printable_utf8(std::string_view text);

}  // namespace vmlift::vm
