// Text from an input as it may stand in a message: control characters are shown, not obeyed, and
// what is long is cut.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace vmlift {

inline std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string shown;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += c;
    }
  }
  if (text.size() > kLongest) shown += "...";
  return shown;
}

}  // namespace vmlift
