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
                         bool allow_corrupt, const std::optional<std::string>& snapshot) {
  OpenOptions options;
  options.format = format.value_or("");
  if (references) options.policy = value_or_raise(OpenPolicy::parse(*references));
  options.limits = limits_from(limits);
  options.allow_corrupt = allow_corrupt;
  options.snapshot = snapshot.value_or("");
  return options;
}

}  // namespace vmlift::python
