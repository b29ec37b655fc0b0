// Interpretive choices: each has a name, a rule that makes it with a reason, and can be made by
// the caller instead.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/capabilities.hpp"
#include "vm/guest_os.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

enum class Profile { boot_safe, tuned, vmware_compat };
/// Errors: InvalidArgument.
Result<Profile> parse_profile(std::string_view name);

struct Choice {
  std::string value;
  std::string reason;
};

class Decisions;

/// What a rule may look at.
struct Situation {
  const Machine& machine;
  const TranslateOptions& options;
  const Capabilities& host;
  Profile profile;
  GuestFamily family;
  const Decisions& made;  ///< those whose rules stand earlier in the table
};

struct DecisionRule {
  std::string_view name;
  std::string_view values;  ///< "q35|pc"; a word in capitals takes any text ("NAME")
  std::string_view meaning;
  Choice (*choose)(const Situation& situation);
};

class Decisions {
 public:
  /// Makes every choice of the table for one machine. Errors: InvalidArgument for a value that
  /// the decision does not take.
  static Result<Decisions> make(std::span<const DecisionRule> rules, const Machine& machine,
                                const TranslateOptions& options, Profile profile,
                                const Capabilities& host);

  /// The choice of that name, which the table must have.
  const std::string& operator[](std::string_view name) const;
  const std::string& reason(std::string_view name) const;
  bool is(std::string_view name, std::string_view value) const { return (*this)[name] == value; }
  bool overridden(std::string_view name) const;
  const std::vector<Decision>& list() const { return list_; }

 private:
  const Decision* find(std::string_view name) const;
  std::vector<Decision> list_;
};

/// That every --set names a decision of the table. Errors: InvalidArgument.
Result<void> check_overrides(std::span<const DecisionRule> rules, const TranslateOptions& options);

}  // namespace vmlift::vm
