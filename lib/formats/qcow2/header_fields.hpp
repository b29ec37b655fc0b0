// Where the header's fields lie, and the types of its extensions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmlift::qcow2::fields {

// Positions of the header's fields.
inline constexpr std::size_t kVersionAt = 4;
inline constexpr std::size_t kBackingOffsetAt = 8;
inline constexpr std::size_t kBackingSizeAt = 16;
inline constexpr std::size_t kClusterBitsAt = 20;
inline constexpr std::size_t kSizeAt = 24;
inline constexpr std::size_t kCryptMethodAt = 32;
inline constexpr std::size_t kL1SizeAt = 36;
inline constexpr std::size_t kL1OffsetAt = 40;
inline constexpr std::size_t kRefcountTableOffsetAt = 48;
inline constexpr std::size_t kRefcountTableClustersAt = 56;
inline constexpr std::size_t kSnapshotCountAt = 60;
inline constexpr std::size_t kSnapshotsOffsetAt = 64;
inline constexpr std::size_t kIncompatibleAt = 72;
inline constexpr std::size_t kCompatibleAt = 80;
inline constexpr std::size_t kAutoclearAt = 88;
inline constexpr std::size_t kRefcountOrderAt = 96;
inline constexpr std::size_t kHeaderLengthAt = 100;
inline constexpr std::size_t kCompressionTypeAt = 104;

inline constexpr std::uint32_t kVersion2Length = 72;
inline constexpr std::uint32_t kVersion3Length = 104;
inline constexpr std::uint32_t kWrittenLength = 112;  // with the compression type, padded to 8

enum ExtensionType : std::uint32_t {
  kEnd = 0,
  kBackingFormat = 0xe2792aca,
  kFeatureNames = 0x6803f857,
  kBitmaps = 0x23852875,
  kEncryption = 0x0537be77,
  kDataFile = 0x44415441,
  // Ours, "VLSZ": QEMU sees whole sectors only and would cut a disk of 1000 bytes to 512. Such a
  // disk is stored with its size rounded up; this keeps the bytes it really has. Readers that do
  // not know it see the padding.
  kExactSize = 0x564c535a,
};

}  // namespace vmlift::qcow2::fields
