// Markers of a stream-optimized extent: what stands before each compressed grain and each
// piece of metadata, so that a reader can take the file in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace vmlift::vmdk {

/// Before a grain: {u64 LBA, u32 size}, the compressed bytes right behind it, padded to a sector.
inline constexpr std::size_t kGrainMarkerSize = 12;

/// A grain's marker, or with size 0 a metadata marker: {u64 sectors, u32 0, u32 type}, alone in
/// its sector, followed by that many sectors.
struct Marker {
  enum Type : std::uint32_t { kEndOfStream = 0, kGrainTable = 1, kGrainDirectory = 2, kFooter = 3 };

  std::uint64_t value = 0;  ///< a grain's LBA, or the number of sectors that follow
  std::uint32_t size = 0;
  std::uint32_t type = 0;

  static Marker parse(std::span<const std::byte> bytes) {
    Marker marker;
    marker.value = load_le<std::uint64_t>(bytes, 0);
    marker.size = load_le<std::uint32_t>(bytes, 8);
    if (marker.size == 0 && bytes.size() >= 16) marker.type = load_le<std::uint32_t>(bytes, 12);
    return marker;
  }
};

/// The most that a grain's compressed bytes may take. A grain that does not deflate grows, and
/// VMware's own files hold such grains; twice the grain is beyond any encoder.
constexpr std::uint64_t max_compressed_grain(std::uint64_t grain_bytes) {
  return 2 * grain_bytes + 512;
}

}  // namespace vmlift::vmdk
