#include "vm/account.hpp"

#include <fmt/format.h>

#include <set>

namespace vmlift::vm {
namespace {

Fate fate_by_rule(const AspectRule& rule) {
  const std::string text(rule.text);
  switch (rule.status) {
    case LossStatus::kept:
      return kept(text);
    case LossStatus::mapped:
      return mapped(text);
    case LossStatus::defaulted:
      return defaulted({}, text);
    case LossStatus::needs_action:
      return needs_action(text);
    case LossStatus::dropped:
      break;
  }
  return dropped(text);
}

}  // namespace

void Account::tell(Aspect aspect, Fate fate) { tell(aspect, kEvery, std::move(fate)); }

void Account::tell(Aspect aspect, std::size_t device, Fate fate) {
  Fate& told = told_[{aspect, device}];
  if (told.status == LossStatus::needs_action && fate.status != LossStatus::needs_action) {
    told.target = std::move(fate.target);
    return;
  }
  told = std::move(fate);
}

Fate Account::fate_of(const SourceKey& key) const {
  if (key.aspect != Aspect::absent) {
    if (const auto told = told_.find({key.aspect, key.device}); told != told_.end())
      return told->second;
    if (const auto told = told_.find({key.aspect, kEvery}); told != told_.end())
      return told->second;
  }
  const auto common = common_account_rules();
  const AspectRule* rule = &*std::ranges::find(common, key.aspect, &AspectRule::aspect);
  if (const auto own = std::ranges::find(rules_, key.aspect, &AspectRule::aspect);
      own != rules_.end())
    rule = &*own;
  Fate fate = fate_by_rule(*rule);
  if (!key.note.empty() && fate.status == LossStatus::dropped) fate.reason = key.note;
  return fate;
}

std::vector<LossEntry> Account::entries(const Machine& machine) const {
  std::vector<LossEntry> entries;
  std::set<std::pair<Aspect, std::size_t>> met;
  for (const SourceKey& key : machine.keys) {
    Fate fate = fate_of(key);
    met.insert({key.aspect, key.device});
    met.insert({key.aspect, kEvery});
    entries.push_back({machine.identity.name, key.key, key.value, fate.status,
                       std::move(fate.target), std::move(fate.reason), std::move(fate.action)});
  }
  for (const auto& [about, fate] : told_) {
    if (fate.status != LossStatus::needs_action || met.contains(about)) continue;
    const std::string key = about.second == kEvery
                                ? std::string(aspect_name(about.first))
                                : fmt::format("{}[{}]", aspect_name(about.first), about.second);
    entries.push_back(
        {machine.identity.name, key, {}, fate.status, fate.target, fate.reason, fate.action});
  }
  return entries;
}

}  // namespace vmlift::vm
