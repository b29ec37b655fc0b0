// A dialect: how one language for definitions is told, read and written. The table of them all
// is dialects.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/account.hpp"
#include "vm/capabilities.hpp"
#include "vm/decision.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

/// One machine to be written.
struct WriteRequest {
  const Definition& definition;
  const Machine& machine;
  const TranslateOptions& options;
  const Decisions& decisions;
  Profile profile;
  const Capabilities& host;
};

struct Written {
  std::string text;
  std::vector<LossEntry> entries;
};

struct Dialect {
  std::string_view name;
  std::string_view description;
  std::string_view extension;
  /// Whether a text is in this dialect. Null with `parse`: it is only written.
  bool (*is)(std::string_view text, std::string_view file_name) = nullptr;
  Result<Definition> (*parse)(std::string_view text, const ParseOptions& options) = nullptr;
  std::vector<DecisionRule> (*decisions)() = nullptr;
  std::span<const AspectRule> (*account_rules)() = nullptr;
  Result<Written> (*write)(const WriteRequest& request) = nullptr;
};

std::span<const Dialect> dialect_table();
const Dialect* find_dialect(std::string_view name);

}  // namespace vmlift::vm
