// VMDK counts in sectors of 512 bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "base/checked.hpp"

namespace vmlift::vmdk {

inline constexpr std::uint64_t kSector = 512;

/// Bytes of a number of sectors that a file gives; nothing when they are too many to address.
inline std::optional<std::uint64_t> sectors_to_bytes(std::uint64_t sectors) {
  const auto bytes = checked_multiply(sectors, kSector);
  if (!bytes || *bytes > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return bytes;
}

}  // namespace vmlift::vmdk
