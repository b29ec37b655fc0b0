// Programmatic units of DSP0004: "byte * 2^20", "hertz * 10^6", and the words of older OVFs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vmlift::vm {

/// How many bytes (or hertz) one of the unit is. Nothing: not a unit, or beyond 64 bits.
std::optional<std::uint64_t> unit_factor(std::string_view unit);

}  // namespace vmlift::vm
