#include "formats/vmdk/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>

namespace vmlift::vmdk {
namespace {

// iconv loads a module by the name it is given: only these names reach it.
constexpr std::array<std::string_view, 19> kEncodings = {
    "UTF-8",        "US-ASCII",     "ISO-8859-1",   "ISO-8859-15",  "windows-1250",
    "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "windows-1258", "GBK",          "GB18030",
    "Big5",         "Shift_JIS",    "EUC-JP",       "EUC-KR",
};

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return fold(x) == fold(y);
  });
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view text, std::string_view encoding) {
  const auto known = std::ranges::find_if(
      kEncodings, [&](std::string_view each) { return same_word(each, encoding); });
  if (known == kEncodings.end()) return std::nullopt;
  const iconv_t converter = iconv_open("UTF-8", known->data());
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string input(text);
  std::string output(text.size() * 4 + 4, '\0');
  char* from = input.data();
  char* to = output.data();
  std::size_t from_left = input.size();
  std::size_t to_left = output.size();
  const bool converted =
      iconv(converter, &from, &from_left, &to, &to_left) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!converted) return std::nullopt;
  output.resize(output.size() - to_left);
  return output;
}

}  // namespace vmlift::vmdk
