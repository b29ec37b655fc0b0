// Numbers of the format: magic, masks, table entries and the geometry that follows from the
// header. Section names are those of QEMU's docs/interop/qcow2.
#pragma once

#include <bit>
#include <cstdint>

#include "base/checked.hpp"

namespace vmlift::qcow2 {

inline constexpr std::uint32_t kMagic = 0x514649fb;  // "QFI\xfb"

inline constexpr unsigned kMinClusterBits = 9;
inline constexpr unsigned kMaxClusterBits = 21;
inline constexpr unsigned kMinExtendedClusterBits = 14;  // 32 subclusters of 512 bytes
inline constexpr unsigned kMaxRefcountOrder = 6;
inline constexpr unsigned kSubclusters = 32;
inline constexpr std::uint32_t kMaxBackingName = 1023;

namespace incompatible {
inline constexpr std::uint64_t kDirty = 1 << 0;
inline constexpr std::uint64_t kCorrupt = 1 << 1;
inline constexpr std::uint64_t kDataFile = 1 << 2;
inline constexpr std::uint64_t kCompressionType = 1 << 3;
inline constexpr std::uint64_t kExtendedL2 = 1 << 4;
inline constexpr std::uint64_t kKnown =
    kDirty | kCorrupt | kDataFile | kCompressionType | kExtendedL2;
}  // namespace incompatible

namespace compatible {
inline constexpr std::uint64_t kLazyRefcounts = 1 << 0;
}

namespace autoclear {
inline constexpr std::uint64_t kBitmaps = 1 << 0;
inline constexpr std::uint64_t kDataFileRaw = 1 << 1;
}  // namespace autoclear

// L1 and L2 entries.
inline constexpr std::uint64_t kOffsetMask = 0x00fffffffffffe00;
inline constexpr std::uint64_t kCopied = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kZero = 1;
inline constexpr std::uint64_t kL1Reserved = 0x7f000000000001ff;
inline constexpr std::uint64_t kL2Reserved = 0x3f000000000001fe;

inline constexpr std::uint64_t kSector = 512;

/// Where a compressed cluster lies: any byte offset, and a length that counts whole sectors. The
/// stream may end earlier; what follows belongs to the next cluster.
struct PackedPlace {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return offset + length; }
  friend bool operator==(const PackedPlace&, const PackedPlace&) = default;
};

struct Geometry {
  unsigned version = 3;
  unsigned cluster_bits = 16;
  bool extended_l2 = false;
  bool data_file = false;
  std::uint64_t size = 0;  // guest-visible bytes

  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits; }
  std::uint64_t l2_entry_size() const { return extended_l2 ? 16 : 8; }
  std::uint64_t l2_entries() const { return cluster_size() / l2_entry_size(); }
  /// 64-bit words of an L2 table: with extended entries every second one is a bitmap.
  std::uint64_t l2_words() const { return cluster_size() / 8; }
  std::uint64_t l2_stride() const { return extended_l2 ? 2 : 1; }
  /// Guest bytes that one L2 table maps.
  std::uint64_t l2_coverage() const { return l2_entries() << cluster_bits; }
  std::uint64_t l1_entries() const { return units_for(size, l2_coverage()); }
  std::uint64_t clusters() const { return units_for(size, cluster_size()); }
  std::uint64_t subcluster_size() const {
    return extended_l2 ? cluster_size() / kSubclusters : cluster_size();
  }

  // Compressed Clusters Descriptor: x = 62 - (cluster_bits - 8) bits of offset, above them the
  // number of further sectors.
  unsigned packed_offset_bits() const { return 62 - (cluster_bits - 8); }
  PackedPlace unpack(std::uint64_t entry) const {
    const std::uint64_t offset = entry & ((std::uint64_t{1} << packed_offset_bits()) - 1);
    const std::uint64_t further = (entry & ~(kCopied | kCompressed)) >> packed_offset_bits();
    return {offset, (further + 1) * kSector - offset % kSector};
  }
  std::uint64_t pack(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t further = (offset + length - 1) / kSector - offset / kSector;
    return kCompressed | (further << packed_offset_bits()) | offset;
  }
};

}  // namespace vmlift::qcow2
