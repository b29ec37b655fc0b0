// OpenPolicy and Limits as words: how the command line, C and Python state them.
#include <array>
#include <utility>

#include "base/fail.hpp"
#include "disk/check_limits.hpp"
#include "vmlift/disk.hpp"

namespace vmlift {

Result<OpenPolicy> OpenPolicy::parse(std::string_view text) {
  constexpr std::string_view kUnder = "under=";
  OpenPolicy policy;
  if (text == "deny") {
    policy.references = References::deny;
  } else if (text == "same-directory") {
    policy.references = References::same_directory;
  } else if (text == "any") {
    policy.references = References::any;
  } else if (text.starts_with(kUnder) && text.size() > kUnder.size()) {
    policy.references = References::under;
    policy.directory = text.substr(kUnder.size());
  } else {
    return fail(ErrorCode::InvalidArgument,
                "references are deny, same-directory, under=DIR or any, not '{}'", text);
  }
  return policy;
}

Result<void> check_limits(const Limits& limits) {
  // More than a day is no bound, and 0 would be none for librados and one of no time for libnbd.
  constexpr std::uint64_t kLongestTimeout = 86400;
  if (limits.io_timeout > 0 && limits.io_timeout <= kLongestTimeout) return {};
  return fail(ErrorCode::InvalidArgument, "io_timeout is from 1 to {} seconds, not {}",
              kLongestTimeout, limits.io_timeout);
}

Result<void> Limits::set(std::string_view limit, std::uint64_t value) {
  using Field = std::pair<std::string_view, std::uint64_t Limits::*>;
  static constexpr std::array kFields = {
      Field{"virtual_size", &Limits::virtual_size},
      Field{"metadata", &Limits::metadata},
      Field{"descriptor", &Limits::descriptor},
      Field{"vmx", &Limits::vmx},
      Field{"xml", &Limits::xml},
      Field{"xml_depth", &Limits::xml_depth},
      Field{"line", &Limits::line},
      Field{"extents", &Limits::extents},
      Field{"members", &Limits::members},
      Field{"name", &Limits::name},
      Field{"snapshots", &Limits::snapshots},
      Field{"l1_table", &Limits::l1_table},
      Field{"refcount_table", &Limits::refcount_table},
      Field{"expanded", &Limits::expanded},
      Field{"decoder_memory", &Limits::decoder_memory},
      Field{"io_timeout", &Limits::io_timeout},
  };
  std::string known;
  for (const auto& [field, member] : kFields) {
    if (field == limit) {
      Limits changed = *this;
      changed.*member = value;
      VMLIFT_CHECK(check_limits(changed));
      *this = changed;
      return {};
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", field);
  }
  return fail(ErrorCode::InvalidArgument, "there is no limit '{}'; the limits are {}", limit,
              known);
}

}  // namespace vmlift
