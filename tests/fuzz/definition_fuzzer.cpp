// Definitions over hostile bytes, in every dialect that is read. What must hold: each is read or
// refused; what is read can be written in every dialect, with an account of every key; and what was
// written is read again.
#include <algorithm>
#include <map>

#include "base/bytes.hpp"
#include "fuzz/fuzzer.hpp"
#include "vmlift/vm.hpp"

using namespace vmlift;

namespace {

bool is_answered(const vm::LossEntry& entry) {
  switch (entry.status) {
    case vm::LossStatus::dropped:
    case vm::LossStatus::defaulted:
      return !entry.reason.empty();
    case vm::LossStatus::needs_action:
      return !entry.action.empty();
    default:
      return !entry.target.empty();
  }
}

void check_account(const vm::Definition& definition, const vm::LossReport& report) {
  std::map<std::string_view, long> untold;
  for (const vm::SourceKey& key : definition.keys) ++untold[key.key];
  for (const vm::Machine& machine : definition.machines)
    for (const vm::SourceKey& key : machine.keys) ++untold[key.key];
  for (const vm::LossEntry& entry : report.entries) {
    if (!is_answered(entry)) __builtin_trap();
    --untold[entry.key];
  }
  if (std::ranges::any_of(untold, [](const auto& key) { return key.second > 0; })) __builtin_trap();
}

void write_and_read(const vm::Definition& definition, const vm::DialectInfo& dialect) {
  const auto translation = vm::translate(definition, {.dialect = std::string(dialect.name)});
  if (!translation) {
    const ErrorCode code = translation.error().code();
    if (code != ErrorCode::Encrypted && code != ErrorCode::UnsupportedFeature) __builtin_trap();
    return;
  }
  check_account(definition, translation->report);
  (void)vm::to_json(translation->report);
  if (!dialect.reads) return;
  for (const vm::Document& document : translation->documents) {
    const auto again = vm::parse(document.text, {.dialect = std::string(dialect.name)});
    if (!again && again.error().code() != ErrorCode::Limit) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::span(reinterpret_cast<const std::byte*>(data), size));
  (void)vm::detect_dialect(text, "input");
  (void)vm::parse_snapshots(text);
  for (const vm::DialectInfo& source : vm::dialects()) {
    if (!source.reads) continue;
    const auto definition = vm::parse(text, {.dialect = std::string(source.name)});
    if (!definition) continue;
    (void)vm::to_json(*definition);
    (void)vm::assess(*definition);
    for (const vm::DialectInfo& target : vm::dialects())
      if (target.writes) write_and_read(*definition, target);
  }
  return 0;
}

Seeds seeds() { return definition_seeds(); }
