#include "vm/encoding.hpp"

#include <iconv.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace vmlift::vm {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// The length of the well-formed UTF-8 sequence at the start of `text`, 0 for none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0x7f >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(at) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control = first < 0x20 && first != '\t' && first != '\n' && first != '\r';
    // U+FFFE and U+FFFF are no characters of XML either.
    const bool no_character =
        length == 3 && (text.substr(0, 3) == "\xef\xbf\xbe" || text.substr(0, 3) == "\xef\xbf\xbf");
    if (length == 0 || control || no_character) {
      result += kReplacement;
      text.remove_prefix(length == 0 ? 1 : length);
    } else {
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

std::optional<std::string> to_utf8(std::string_view text, const std::string& encoding) {
  const iconv_t handle = iconv_open("UTF-8", encoding.c_str());
  if (handle == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  const auto close = [](void* open) { iconv_close(open); };
  const std::unique_ptr<void, decltype(close)> closer(handle, close);
  std::string result;
  char* in = const_cast<char*>(text.data());
  std::size_t left = text.size();
  char buffer[4096];
  while (left > 0) {
    char* out = buffer;
    std::size_t room = sizeof buffer;
    const std::size_t done = iconv(handle, &in, &left, &out, &room);
    result.append(buffer, sizeof buffer - room);
    if (done != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    // A byte without meaning, or a sequence cut short at the end.
    result += kReplacement;
    ++in;
    --left;
  }
  return result;
}

}  // namespace vmlift::vm
