// Bounds on what an input may claim, shared by every part that reads one.
#pragma once

#include <cstdint>
#include <string_view>

#include "vmlift/error.hpp"

namespace vmlift {

/// Bounds on what an input may claim; exceeding one is the error Limit. Sizes in bytes.
struct Limits {
  std::uint64_t virtual_size = std::uint64_t{64} << 40;
  std::uint64_t metadata = std::uint64_t{256} << 20;  ///< tables held in memory at once
  std::uint64_t descriptor = std::uint64_t{1} << 20;  ///< a VMDK descriptor
  std::uint64_t vmx = std::uint64_t{4} << 20;
  std::uint64_t xml = std::uint64_t{16} << 20;
  std::uint64_t xml_depth = 64;
  std::uint64_t line = std::uint64_t{64} << 10;
  std::uint64_t extents = 65536;
  std::uint64_t members = 65536;
  std::uint64_t name = 4096;
  std::uint64_t snapshots = 65536;
  std::uint64_t l1_table = std::uint64_t{32} << 20;
  std::uint64_t refcount_table = std::uint64_t{8} << 20;
  /// What a compressed file (.gz, .xz, .zst) may expand to.
  std::uint64_t expanded = std::uint64_t{64} << 40;
  std::uint64_t decoder_memory = std::uint64_t{128} << 20;
  std::uint64_t io_timeout = 60;  ///< seconds in which a server must answer; then Timeout

  /// Sets the limit of that name ("virtual_size"). Errors: InvalidArgument, also for an io_timeout
  /// of none or of more than a day.
  Result<void> set(std::string_view limit, std::uint64_t value);
};

}  // namespace vmlift
