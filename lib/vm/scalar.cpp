#include "vm/scalar.hpp"

#include <algorithm>
#include <charconv>

namespace vmlift::vm {
namespace {

constexpr std::string_view kBlank = " \t\r\n\v\f";

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower_char(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  text = trim(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower_char);
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_char, lower_char);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  return parse_number<std::uint64_t>(text);
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_number<std::int64_t>(text);
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = lower(trim(text));
  for (std::string_view yes : {"true", "yes", "on", "1", "t", "y"})
    if (word == yes) return true;
  for (std::string_view no : {"false", "no", "off", "0", "f", "n"})
    if (word == no) return false;
  return std::nullopt;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  Uuid uuid;
  std::size_t digits = 0;
  for (const char c : trim(text)) {
    if (c == ' ' || c == '-' || c == '{' || c == '}') continue;
    const int digit = hex_digit(c);
    if (digit < 0 || digits == 32) return std::nullopt;
    auto& byte = uuid.bytes[digits / 2];
    byte = static_cast<std::uint8_t>(digits % 2 == 0 ? digit << 4 : byte | digit);
    ++digits;
  }
  if (digits != 32) return std::nullopt;
  return uuid;
}

std::optional<std::string> parse_mac(std::string_view text) {
  text = trim(text);
  std::string digits;
  std::size_t separators = 0;
  for (const char c : text) {
    if (c == ':' || c == '-') {
      // A separator stands behind every whole pair, or nowhere.
      if (digits.size() % 2 != 0 || digits.size() / 2 != ++separators) return std::nullopt;
      continue;
    }
    if (hex_digit(c) < 0 || digits.size() == 12) return std::nullopt;
    digits += lower_char(c);
  }
  if (digits.size() != 12 || (separators != 0 && separators != 5)) return std::nullopt;
  std::string mac;
  for (std::size_t at = 0; at < 12; at += 2) {
    if (at != 0) mac += ':';
    mac += digits.substr(at, 2);
  }
  return mac;
}

bool is_multicast(std::string_view mac) { return mac.size() > 1 && (hex_digit(mac[1]) & 1) != 0; }

Nic::MacClass mac_class_of(std::string_view mac) {
  if (mac.starts_with("00:0c:29:")) return Nic::MacClass::generated;
  if (!mac.starts_with("00:50:56:") || mac.size() < 11) return Nic::MacClass::unknown;
  const int byte = hex_digit(mac[9]) * 16 + hex_digit(mac[10]);
  // 00:50:56:00-3f is for hand-made addresses, 80-bf is handed out by vCenter.
  if (byte < 0x40) return Nic::MacClass::fixed;
  return byte >= 0x80 && byte < 0xc0 ? Nic::MacClass::manager : Nic::MacClass::unknown;
}

std::string_view file_name_of(std::string_view path) {
  const auto slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view stem_of(std::string_view path) {
  std::string_view name = file_name_of(path);
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string safe_file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unsafe = byte < 0x20 || byte == 0x7f || c == '/' || c == '\\' || c == ':';
    name += unsafe ? '_' : c;
  }
  constexpr std::size_t kLongest = 200;  // leaves room for an extension within NAME_MAX
  if (name.size() > kLongest) {
    std::size_t cut = kLongest;
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xc0) == 0x80) --cut;
    name.resize(cut);
  }
  if (name.empty() || name == "." || name == "..") return "machine";
  // A leading '-' or '.' is an option to a shell command, or hidden.
  if (name.front() == '-' || name.front() == '.') name.front() = '_';
  return name;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 &&
        hex_digit(text[at + 2]) >= 0) {
      result += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
      at += 2;
    } else {
      result += text[at];
    }
  }
  return result;
}

std::string percent_encoded(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

}  // namespace vmlift::vm
