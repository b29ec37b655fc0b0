// The header and its extensions: read with every field checked, and written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "formats/qcow2/layout.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::qcow2 {

enum class CompressionType : std::uint8_t { zlib = 0, zstd = 1 };

/// The bitmaps extension: where the directory of persistent bitmaps lies.
struct BitmapsExtension {
  std::uint32_t count = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t directory_offset = 0;
};

struct HeaderExtension {
  std::uint32_t type = 0;
  Bytes data;
};

struct Header {
  Geometry geometry;
  std::uint64_t backing_offset = 0;
  std::uint32_t backing_size = 0;
  std::uint32_t crypt_method = 0;
  std::uint32_t l1_size = 0;
  std::uint64_t l1_offset = 0;
  std::uint64_t refcount_table_offset = 0;
  std::uint32_t refcount_table_clusters = 0;
  std::uint32_t snapshot_count = 0;
  std::uint64_t snapshots_offset = 0;
  std::uint64_t incompatible = 0;
  std::uint64_t compatible = 0;
  std::uint64_t autoclear = 0;
  std::uint32_t refcount_order = 4;
  std::uint32_t header_length = 72;
  CompressionType compression = CompressionType::zlib;

  std::string backing_name;
  std::optional<std::string> backing_format;
  std::optional<std::string> data_file_name;
  std::optional<BitmapsExtension> bitmaps;
  bool luks = false;
  std::vector<std::string> warnings;

  bool dirty() const { return incompatible & incompatible::kDirty; }
  bool corrupt() const { return incompatible & incompatible::kCorrupt; }
  std::uint64_t refcount_bits() const { return std::uint64_t{1} << refcount_order; }

  /// The bytes of the header, its extensions and the backing name, as a new image begins.
  /// Errors: InvalidArgument when they do not fit in the first cluster.
  Result<Bytes> encode() const;
};

/// Reads and checks; opens nothing and allocates no table. Errors: BadMagic, Truncated,
/// UnsupportedVersion, UnsupportedFeature, BadHeader, Limit.
Result<Header> read_header(const File& file, const Limits& limits);

}  // namespace vmlift::qcow2
