#include "migrate/names.hpp"

#include <fmt/format.h>

namespace vmlift {
namespace {

// Room for an extension and a hidden name under NAME_MAX (255).
constexpr std::size_t kLongest = 200;

bool is_plain(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '+' || c >= 0x80;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

std::string plain_file_name(std::string_view name) {
  std::string plain;
  for (const char c : name) plain += is_plain(static_cast<unsigned char>(c)) ? c : '_';
  if (plain.size() > kLongest) {
    // Never within a UTF-8 character.
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(plain[end]) & 0xc0) == 0x80) --end;
    plain.resize(end);
  }
  const std::size_t begin = plain.find_first_not_of(".-");
  plain.erase(0, begin);
  return plain.empty() ? "machine" : plain;
}

std::string_view stem_of_source(std::string_view source) {
  std::string_view name = source.substr(source.find_last_of("/\\") + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string TargetNames::take(std::string_view stem, std::string_view extension) {
  const std::string plain = plain_file_name(stem);
  std::string name = fmt::format("{}{}", plain, extension);
  for (unsigned number = 2; !taken_.insert(lower(name)).second; ++number) {
    name = fmt::format("{}-{}{}", plain, number, extension);
  }
  return name;
}

}  // namespace vmlift
