#include "arguments.hpp"

#include "raise.hpp"

namespace vmlift::python {

Limits limits_from(const LimitMap& limits) {
  Limits result;
  for (const auto& [name, value] : limits) value_or_raise(result.set(name, value));
  return result;
}

OpenOptions open_options(const std::optional<std::string>& format,
                         const std::optional<std::string>& references, const LimitMap& limits,
                         bool allow_corrupt, bool allow_in_use,
                         const std::optional<std::string>& snapshot, const OptionMap& options) {
  OpenOptions opening;
  opening.format = format.value_or("");
  if (references) opening.policy = value_or_raise(OpenPolicy::parse(*references));
  opening.limits = limits_from(limits);
  opening.allow_corrupt = allow_corrupt;
  opening.policy.allow_in_use = allow_in_use;
  opening.snapshot = snapshot.value_or("");
  opening.options = options;
  return opening;
}

}  // namespace vmlift::python
