#include "vm/ovf/units.hpp"

#include <algorithm>
#include <string>

#include "base/checked.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

struct Word {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::uint64_t kKibi = 1024;
constexpr Word kWords[] = {
    {"byte", 1},
    {"bytes", 1},
    {"b", 1},
    {"kilobytes", kKibi},
    {"kb", kKibi},
    {"kib", kKibi},
    {"megabytes", kKibi* kKibi},
    {"mb", kKibi* kKibi},
    {"mib", kKibi* kKibi},
    {"gigabytes", kKibi* kKibi* kKibi},
    {"gb", kKibi* kKibi* kKibi},
    {"gib", kKibi* kKibi* kKibi},
    {"terabytes", kKibi* kKibi* kKibi* kKibi},
    {"hertz", 1},
    {"hz", 1},
    {"megahertz", 1'000'000},
    {"mhz", 1'000'000},
};

/// "2^20", "1024", or one of the words.
std::optional<std::uint64_t> term(std::string_view text) {
  const auto caret = text.find('^');
  if (caret == std::string_view::npos) {
    if (const auto number = parse_unsigned(text)) return number;
    const auto word = std::ranges::find(kWords, lower(text), &Word::name);
    return word == std::end(kWords) ? std::nullopt : std::optional(word->factor);
  }
  const auto base = parse_unsigned(text.substr(0, caret));
  const auto exponent = parse_unsigned(text.substr(caret + 1));
  if (!base || !exponent || *exponent > 63) return std::nullopt;
  std::optional<std::uint64_t> power = 1;
  for (std::uint64_t step = 0; step < *exponent && power; ++step)
    power = checked_multiply(*power, *base);
  return power;
}

}  // namespace

std::optional<std::uint64_t> unit_factor(std::string_view unit) {
  std::string compact;
  for (const char c : unit)
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') compact += c;
  std::string_view rest = compact;
  if (rest.empty()) return std::nullopt;
  std::optional<std::uint64_t> factor = 1;
  while (true) {
    const auto star = std::min(rest.find('*'), rest.size());
    const auto next = term(rest.substr(0, star));
    if (!next) return std::nullopt;
    factor = checked_multiply(*factor, *next);
    if (!factor || star == rest.size()) return factor;
    rest.remove_prefix(star + 1);
  }
}

}  // namespace vmlift::vm
