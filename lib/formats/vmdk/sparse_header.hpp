// The header of a hosted sparse extent ("KDMV"): Virtual Disk Format 5.0, "Hosted Sparse
// Extents". Little-endian, packed, 512 bytes; the footer of a stream is a second copy of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/vmdk/sector.hpp"
#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vmdk {

inline constexpr std::uint32_t kSparseMagic = 0x564d444b;  // "KDMV" as the bytes lie
inline constexpr std::uint64_t kDirectoryAtEnd = ~std::uint64_t{0};

struct SparseHeader {
  enum Flag : std::uint32_t {
    kNewlineTest = 1U << 0,
    kRedundantDirectory = 1U << 1,
    kZeroGrains = 1U << 2,
    kCompressed = 1U << 16,
    kMarkers = 1U << 17,
  };
  enum Algorithm : std::uint16_t { kNone = 0, kDeflate = 1 };

  std::uint32_t version = 1;
  std::uint32_t flags = 0;
  std::uint64_t capacity = 0;  // sectors, like everything below
  std::uint64_t grain_size = 128;
  std::uint64_t descriptor_offset = 0;
  std::uint64_t descriptor_size = 0;
  std::uint32_t table_entries = 512;
  std::uint64_t redundant_directory = 0;
  std::uint64_t directory = 0;
  std::uint64_t overhead = 0;
  bool unclean_shutdown = false;
  std::uint16_t algorithm = kNone;

  bool has(Flag flag) const { return (flags & flag) != 0; }
  bool compressed() const { return has(kCompressed); }
  std::uint64_t capacity_bytes() const { return capacity * kSector; }
  std::uint64_t grain_bytes() const { return grain_size * kSector; }
  std::uint64_t table_bytes() const { return std::uint64_t{table_entries} * 4; }
  /// Grain tables that cover the capacity, and so entries in the directory.
  std::uint64_t table_count() const {
    return units_for(units_for(capacity, grain_size), table_entries);
  }
};

/// Whether a header starts here, whatever it says.
bool is_sparse_header(std::span<const std::byte> bytes);

/// Parses and validates 512 bytes. Errors: BadHeader, UnsupportedVersion, UnsupportedFeature,
/// Corrupt (mangled by a text-mode transfer), Limit. A capacity of 0 is a container for a
/// descriptor and passes.
Result<SparseHeader> parse_sparse_header(std::span<const std::byte> bytes, const Limits& limits);

std::array<std::byte, kSector> encode_sparse_header(const SparseHeader& header);

}  // namespace vmlift::vmdk
