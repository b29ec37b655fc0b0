// One header of a tar archive, as VMware's products take it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "vmlift/error.hpp"

namespace vmlift {

constexpr std::uint64_t kTarBlock = 512;

/// The header of a regular file: ustar; a size that eight octal gigabytes do not hold in GNU's
/// base-256, since vSphere refuses pax. Errors: InvalidArgument for a name of more than 100 bytes.
Result<std::array<std::byte, kTarBlock>> tar_header(std::string_view name, std::uint64_t size);

}  // namespace vmlift
