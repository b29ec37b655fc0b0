#include "vm/vmx/dictionary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// "|22" is a quote, "|7C" a bar: VMware writes so what would end the value or the line.
std::string unescaped(std::string_view text) {
  if (text.find('|') == std::string_view::npos) return std::string(text);
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '|' && at + 2 < text.size()) {
      // A pair of digits behind '|' reads like one behind '%'.
      const char pair[] = {'%', text[at + 1], text[at + 2]};
      const std::string byte = percent_decoded({pair, sizeof pair});
      if (byte.size() == 1) {
        result += byte;
        at += 2;
        continue;
      }
    }
    result += text[at];
  }
  return result;
}

/// The value of `.encoding`, found before anything is decoded.
std::string stated_encoding(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    if (!starts_with_ignoring_case(line, ".encoding")) continue;
    const auto open = line.find('"');
    const auto close = line.rfind('"');
    if (open != std::string_view::npos && close > open)
      return std::string(line.substr(open + 1, close - open - 1));
  }
  return {};
}

/// The whole file in UTF-8.
std::string decoded(std::string_view text, std::vector<Warning>& warnings) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::string encoding = stated_encoding(text);
  const bool says_utf8 = encoding.empty() || equal_ignoring_case(encoding, "utf-8");
  if (is_utf8(text)) {
    if (says_utf8) return std::string(text);
    // Plain ASCII is the same in every encoding that VMware writes.
    if (auto converted = to_utf8(text, encoding)) return *converted;
    warnings.push_back({".encoding", 0, fmt::format("unknown encoding \"{}\"", encoding)});
    return std::string(text);
  }
  if (!says_utf8)
    if (auto converted = to_utf8(text, encoding)) return *converted;
  warnings.push_back(
      {".encoding", 0, "the file is not in its stated encoding; read as windows-1252"});
  return to_utf8(text, "WINDOWS-1252").value_or(printable_utf8(text));
}

// The longest VMX files have some two thousand lines; what a line costs in memory is many times
// its length.
constexpr std::size_t kMostLines = 16384;

class LineReader {
 public:
  explicit LineReader(VmxDictionary& dictionary) : dictionary_(dictionary) {}

  Result<void> read(std::string_view line, std::size_t number) {
    line = trim(line);
    if (line.empty() || line.front() == '#' || (number == 1 && line.starts_with("#!"))) return {};
    if (++lines_ > kMostLines) {
      return fail(ErrorCode::Limit, "line {}: a VMX of more than {} keys", number, kMostLines);
    }
    const auto equals = line.find('=');
    const std::string_view key = trim(line.substr(0, std::min(equals, line.size())));
    if (equals == std::string_view::npos || key.empty() ||
        key.find('"') != std::string_view::npos) {
      warn(key, number, "a line that is no key = \"value\" is passed over");
      return {};
    }
    const std::string_view rest = trim(line.substr(equals + 1));
    if (!rest.starts_with('"')) {
      warn(key, number, "the value is not in quotes");
      add(key, rest, number);
      return {};
    }
    const auto close = rest.find('"', 1);
    if (close == std::string_view::npos) {
      return fail(ErrorCode::BadVmx, "line {}: the value of {} has no closing quote", number,
                  printable_utf8(key));
    }
    const std::string_view behind = trim(rest.substr(close + 1));
    if (!behind.empty() && behind.front() != '#')
      warn(key, number, "text behind the closing quote is passed over");
    add(key, rest.substr(1, close - 1), number);
    return {};
  }

 private:
  void add(std::string_view key, std::string_view value, std::size_t number) {
    VmxEntry entry{std::string(key), lower(key), unescaped(value), number, false};
    entry.duplicate = !seen_.emplace(entry.lower, number).second;
    if (entry.duplicate) warn(key, number, "duplicate key");
    dictionary_.entries.push_back(std::move(entry));
  }

  void warn(std::string_view key, std::size_t number, std::string_view message) {
    dictionary_.warnings.push_back({printable_utf8(key), number, std::string(message)});
  }

  VmxDictionary& dictionary_;
  std::unordered_map<std::string, std::size_t> seen_;
  std::size_t lines_ = 0;
};

}  // namespace

const VmxEntry* VmxDictionary::find(std::string_view lower) const {
  const auto found = index.find(lower);
  return found == index.end() ? nullptr : &entries[found->second];
}

bool VmxDictionary::is_true(std::string_view lower, bool otherwise) const {
  const VmxEntry* entry = find(lower);
  return entry == nullptr ? otherwise : parse_bool(entry->value).value_or(otherwise);
}

Result<VmxDictionary> parse_vmx_dictionary(std::string_view text, const Limits& limits) {
  if (text.size() > limits.vmx)
    return fail(ErrorCode::Limit, "a VMX of {} bytes; at most {} are read", text.size(),
                limits.vmx);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(nul), '\n');
    return std::unexpected(error(ErrorCode::BadVmx, "line {}: a NUL byte", line).at(nul));
  }
  VmxDictionary dictionary;
  const std::string utf8 = decoded(text, dictionary.warnings);
  LineReader reader(dictionary);
  std::size_t number = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    std::size_t end = std::min(utf8.find('\n', at), utf8.size());
    ++number;
    if (end - at > limits.line)
      return fail(ErrorCode::Limit, "line {} is longer than {} bytes", number, limits.line);
    VMLIFT_CHECK(reader.read(std::string_view(utf8).substr(at, end - at), number));
    at = end + 1;
  }
  for (std::size_t at = 0; at < dictionary.entries.size(); ++at)
    dictionary.index.emplace(dictionary.entries[at].lower, at);
  return dictionary;
}

std::string vmx_escaped(std::string_view value) {
  std::string result;
  while (!value.empty()) {
    const auto byte = static_cast<unsigned char>(value.front());
    std::size_t length = 1;
    while (length < value.size() && length < 4 &&
           (static_cast<unsigned char>(value[length]) & 0xc0) == 0x80)
      ++length;
    const bool whole = byte >= 0x80 && is_utf8(value.substr(0, length));
    if (whole) {
      result += value.substr(0, length);
      value.remove_prefix(length);
      continue;
    }
    // Bytes that are no UTF-8 would make the reader doubt the encoding of the whole file.
    if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '|')
      result += fmt::format("|{:02X}", byte);
    else
      result += static_cast<char>(byte);
    value.remove_prefix(1);
  }
  return result;
}

}  // namespace vmlift::vm
