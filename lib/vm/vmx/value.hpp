// A VMX value as the number it must be: BadVmx naming line and key where it is none.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/scalar.hpp"
#include "vm/vmx/dictionary.hpp"

namespace vmlift::vm {

inline std::unexpected<Error> bad_value(const VmxEntry& entry, std::string_view wanted) {
  return fail(ErrorCode::BadVmx, "line {}: {} = \"{}\" is not {}", entry.line,
              printable_utf8(entry.key), printable_utf8(entry.value), wanted);
}

template <std::unsigned_integral T>
Result<T> unsigned_value(const VmxEntry& entry, T lowest = 0,
                         T highest = std::numeric_limits<T>::max()) {
  const auto number = parse_unsigned(entry.value);
  if (!number) return bad_value(entry, "a number");
  if (*number < lowest || *number > highest) return bad_value(entry, "a possible number");
  return static_cast<T>(*number);
}

inline Result<std::int64_t> signed_value(const VmxEntry& entry) {
  const auto number = parse_signed(entry.value);
  if (!number) return bad_value(entry, "a number");
  return *number;
}

inline bool bool_value(const VmxEntry& entry, bool otherwise = false) {
  return parse_bool(entry.value).value_or(otherwise);
}

inline Result<Uuid> uuid_value(const VmxEntry& entry) {
  const auto uuid = parse_uuid(entry.value);
  if (!uuid) return bad_value(entry, "a UUID");
  return *uuid;
}

}  // namespace vmlift::vm
