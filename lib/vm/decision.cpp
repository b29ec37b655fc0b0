#include "vm/decision.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>

#include "base/fail.hpp"

namespace vmlift::vm {
namespace {

bool takes(std::string_view values, std::string_view value) {
  while (true) {
    const auto bar = std::min(values.find('|'), values.size());
    const std::string_view word = values.substr(0, bar);
    const bool any_text = !word.empty() && word.front() >= 'A' && word.front() <= 'Z';
    if (word == value || (any_text && !value.empty())) return true;
    if (bar == values.size()) return false;
    values.remove_prefix(bar + 1);
  }
}

}  // namespace

Result<Profile> parse_profile(std::string_view name) {
  if (name.empty() || name == "boot-safe") return Profile::boot_safe;
  if (name == "tuned") return Profile::tuned;
  if (name == "vmware-compat") return Profile::vmware_compat;
  return fail(ErrorCode::InvalidArgument,
              "unknown profile \"{}\"; there are boot-safe, tuned and vmware-compat", name);
}

Result<Decisions> Decisions::make(std::span<const DecisionRule> rules, const Machine& machine,
                                  const TranslateOptions& options, Profile profile,
                                  const Capabilities& host) {
  Decisions decisions;
  const Situation situation{machine,  options, host, profile, guest_family(machine.guest_os),
                            decisions};
  for (const DecisionRule& rule : rules) {
    Decision decision{.machine = machine.identity.name, .name = std::string(rule.name)};
    if (const auto wanted = options.decisions.find(rule.name); wanted != options.decisions.end()) {
      if (!takes(rule.values, wanted->second)) {
        return fail(ErrorCode::InvalidArgument, "the decision {} takes {}, not \"{}\"", rule.name,
                    rule.values, wanted->second);
      }
      decision.value = wanted->second;
      decision.reason = "set by the caller";
      decision.overridden = true;
    } else {
      Choice choice = rule.choose(situation);
      decision.value = std::move(choice.value);
      decision.reason = std::move(choice.reason);
    }
    decisions.list_.push_back(std::move(decision));
  }
  return decisions;
}

const Decision* Decisions::find(std::string_view name) const {
  const auto found = std::ranges::find(list_, name, &Decision::name);
  assert(found != list_.end() && "a decision is used before the table makes it");
  return found == list_.end() ? nullptr : &*found;
}

const std::string& Decisions::operator[](std::string_view name) const {
  static const std::string kNone;
  const Decision* decision = find(name);
  return decision == nullptr ? kNone : decision->value;
}

const std::string& Decisions::reason(std::string_view name) const {
  static const std::string kNone;
  const Decision* decision = find(name);
  return decision == nullptr ? kNone : decision->reason;
}

bool Decisions::overridden(std::string_view name) const {
  const Decision* decision = find(name);
  return decision != nullptr && decision->overridden;
}

Result<void> check_overrides(std::span<const DecisionRule> rules, const TranslateOptions& options) {
  for (const auto& [name, value] : options.decisions) {
    if (std::ranges::find(rules, std::string_view(name), &DecisionRule::name) != rules.end())
      continue;
    std::vector<std::string_view> names;
    for (const DecisionRule& rule : rules) names.push_back(rule.name);
    return fail(ErrorCode::InvalidArgument, "there is no decision \"{}\"; there are {}", name,
                fmt::join(names, ", "));
  }
  return {};
}

}  // namespace vmlift::vm
