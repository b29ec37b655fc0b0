// The bytes of a disk, read in the ways that copies read it.
#pragma once

#include <algorithm>
#include <vector>

#include "support/outcome.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::test {

inline Result<std::vector<std::byte>> try_bytes(const Disk& disk, std::size_t step = 1 << 20) {
  std::vector<std::byte> bytes(disk.size());
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    auto part = std::span(bytes).subspan(at, std::min(step, bytes.size() - at));
    if (auto result = disk.read(at, part); !result) return std::unexpected(result.error());
  }
  return bytes;
}
inline std::vector<std::byte> bytes_of(const Disk& disk, std::size_t step = 1 << 20) {
  return must(try_bytes(disk, step));
}

}  // namespace vmlift::test
