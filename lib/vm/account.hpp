// The account of a translation: what becomes of each aspect of a machine, joined with the
// source's keys into the loss report. A writer has a rule for every aspect and says more where
// a single device fares differently.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vm/aspect.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

/// What becomes of an aspect unless a writer says otherwise. `text` is the target of what is
/// kept or mapped, the reason of what is defaulted or dropped, the action of what needs one.
struct AspectRule {
  Aspect aspect;
  LossStatus status;
  std::string_view text;
};

/// For a static_assert: that a table forgets no aspect.
template <std::size_t Rows>
consteval bool covers_every_aspect(const AspectRule (&rules)[Rows]) {
  for (std::size_t at = 0; at < kAspectCount; ++at)
    if (std::ranges::count(rules, static_cast<Aspect>(at), &AspectRule::aspect) != 1) return false;
  return Rows == kAspectCount;
}

/// For aspects that a writer's own table does not name.
std::span<const AspectRule> common_account_rules();

struct Fate {
  LossStatus status = LossStatus::dropped;
  std::string target;
  std::string reason;
  std::string action;
};
inline Fate kept(std::string target) { return {LossStatus::kept, std::move(target), {}, {}}; }
inline Fate mapped(std::string target, std::string reason = {}) {
  return {LossStatus::mapped, std::move(target), std::move(reason), {}};
}
inline Fate defaulted(std::string target, std::string reason) {
  return {LossStatus::defaulted, std::move(target), std::move(reason), {}};
}
inline Fate dropped(std::string reason) { return {LossStatus::dropped, {}, std::move(reason), {}}; }
inline Fate needs_action(std::string action, std::string reason = {}) {
  return {LossStatus::needs_action, {}, std::move(reason), std::move(action)};
}

class Account {
 public:
  explicit Account(std::span<const AspectRule> rules) : rules_(rules) {}

  /// For every key of the aspect, or for those of one device. The last word counts, but an
  /// action once needed stays needed.
  void tell(Aspect aspect, Fate fate);
  void tell(Aspect aspect, std::size_t device, Fate fate);

  /// The entries for the machine's keys, in the source's order. An action that no key of the
  /// source calls for (a NIC without a network) gets an entry of its own.
  std::vector<LossEntry> entries(const Machine& machine) const;

 private:
  static constexpr std::size_t kEvery = static_cast<std::size_t>(-1);
  Fate fate_of(const SourceKey& key) const;

  std::span<const AspectRule> rules_;
  std::map<std::pair<Aspect, std::size_t>, Fate> told_;
};

}  // namespace vmlift::vm
