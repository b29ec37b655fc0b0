// A VMX or VMSD file as its lines say it: keys, unescaped values, line numbers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"
#include "vmlift/vm_model.hpp"

namespace vmlift::vm {

struct VmxEntry {
  std::string key;    ///< as written
  std::string lower;  ///< as compared
  std::string value;  ///< unquoted, unescaped, UTF-8
  std::size_t line = 0;
  bool duplicate = false;  ///< an earlier line has the same key; that one counts
};

struct VmxDictionary {
  VmxDictionary() = default;
  VmxDictionary(VmxDictionary&&) = default;  // a copy's index would look into the original
  VmxDictionary& operator=(VmxDictionary&&) = default;

  std::vector<VmxEntry> entries;
  std::vector<Warning> warnings;

  /// The entry that counts for a lower-case key, or nullptr.
  const VmxEntry* find(std::string_view lower) const;
  /// Whether the key is there and says TRUE; `otherwise` when it is absent or says neither.
  bool is_true(std::string_view lower, bool otherwise = false) const;

  std::unordered_map<std::string_view, std::size_t> index;  ///< views into entries
};

/// Errors: BadVmx for NUL bytes and unterminated quotes, naming line and key; Limit.
Result<VmxDictionary> parse_vmx_dictionary(std::string_view text, const Limits& limits);

/// `value` as it stands between quotes: what would end the value or the line is "|XX".
std::string vmx_escaped(std::string_view value);

}  // namespace vmlift::vm
