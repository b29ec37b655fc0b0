// Persistent bitmaps: what changed since somebody asked. Listed, read as sets of bytes, and the
// pieces that are stored: directory entries and bits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "formats/qcow2/header.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/extent.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

inline constexpr std::uint64_t kBitmapEntryOffset = 0x00fffffffffffe00;
inline constexpr std::uint64_t kBitmapEntryOnes = 1;  // of an entry without a cluster

inline constexpr std::uint64_t kBitmapFlagsAt = 12;  // of a directory entry
inline constexpr std::uint32_t kBitmapInUse = 1 << 0;

// What QEMU takes.
inline constexpr unsigned kMinGranularityBits = 9;
inline constexpr unsigned kMaxGranularityBits = 31;
inline constexpr std::uint16_t kMaxBitmapName = 1023;

struct Bitmap {
  BitmapInfo info;
  std::uint64_t table_offset = 0;
  std::uint32_t table_size = 0;       // entries
  std::uint64_t directory_entry = 0;  // where in the file it stands
};

/// The directory. Errors: Corrupt, Truncated, Limit; the image can be read without it.
Result<std::vector<Bitmap>> read_bitmap_directory(const File& file, const Header& header,
                                                  const Limits& limits);

/// The table of a bitmap, in the processor's byte order.
Result<std::vector<std::uint64_t>> read_bitmap_table(const File& file, const Header& header,
                                                     const Bitmap& bitmap);

/// The bytes that a bitmap marks. Errors: Corrupt when it was in use and not saved.
Result<ExtentSet> read_bitmap(const File& file, const Header& header, const Bitmap& bitmap);

/// Appends the bitmap's entry to a directory that is being made.
void append_directory_entry(Bytes& directory, const Bitmap& bitmap);

/// Sets the bits of all that `marked` touches. The first bit stands for the guest bytes from
/// `begin` on, where nothing is marked before.
void set_bits(std::span<std::byte> bits, const ExtentSet& marked, std::uint64_t begin,
              std::uint64_t granularity);

}  // namespace vmlift::qcow2
