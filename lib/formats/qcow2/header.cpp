#include "formats/qcow2/header.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "formats/qcow2/header_fields.hpp"

namespace vmlift::qcow2 {
namespace {

using namespace fields;

std::unexpected<Error> bad(std::size_t offset, std::string message) {
  return std::unexpected(Error(ErrorCode::BadHeader, std::move(message)).at(offset));
}

/// A table named by the header: aligned, and wholly inside the file.
Result<void> check_table(const char* what, std::size_t field, std::uint64_t offset,
                         std::uint64_t length, std::uint64_t alignment, std::uint64_t file_size) {
  if (!is_aligned(offset, alignment)) {
    return bad(field, fmt::format("the {} begins at {:#x}, not at a multiple of {}", what, offset,
                                  alignment));
  }
  if (!within(offset, length, file_size)) {
    return std::unexpected(error(ErrorCode::Truncated,
                                 "the {} needs {} bytes at {:#x}, but the file ends at {:#x}", what,
                                 length, offset, file_size)
                               .at(offset));
  }
  return {};
}

Result<void> read_fixed_fields(std::span<const std::byte> head, Header& header) {
  Geometry& geometry = header.geometry;
  header.backing_offset = load_be<std::uint64_t>(head, kBackingOffsetAt);
  header.backing_size = load_be<std::uint32_t>(head, kBackingSizeAt);
  geometry.cluster_bits = load_be<std::uint32_t>(head, kClusterBitsAt);
  geometry.size = load_be<std::uint64_t>(head, kSizeAt);
  header.crypt_method = load_be<std::uint32_t>(head, kCryptMethodAt);
  header.l1_size = load_be<std::uint32_t>(head, kL1SizeAt);
  header.l1_offset = load_be<std::uint64_t>(head, kL1OffsetAt);
  header.refcount_table_offset = load_be<std::uint64_t>(head, kRefcountTableOffsetAt);
  header.refcount_table_clusters = load_be<std::uint32_t>(head, kRefcountTableClustersAt);
  header.snapshot_count = load_be<std::uint32_t>(head, kSnapshotCountAt);
  header.snapshots_offset = load_be<std::uint64_t>(head, kSnapshotsOffsetAt);
  if (geometry.cluster_bits < kMinClusterBits || geometry.cluster_bits > kMaxClusterBits) {
    return bad(kClusterBitsAt,
               fmt::format("the cluster size is 2^{}, allowed are 2^{} to 2^{}",
                           geometry.cluster_bits, kMinClusterBits, kMaxClusterBits));
  }
  return {};
}

Result<void> read_version3_fields(std::span<const std::byte> head, Header& header) {
  if (head.size() < kVersion3Length) {
    return fail(ErrorCode::Truncated, "the header is cut short at {} bytes", head.size());
  }
  header.incompatible = load_be<std::uint64_t>(head, kIncompatibleAt);
  header.compatible = load_be<std::uint64_t>(head, kCompatibleAt);
  header.autoclear = load_be<std::uint64_t>(head, kAutoclearAt);
  header.refcount_order = load_be<std::uint32_t>(head, kRefcountOrderAt);
  header.header_length = load_be<std::uint32_t>(head, kHeaderLengthAt);
  if (header.header_length < kVersion3Length || header.header_length % 8 != 0 ||
      header.header_length > header.geometry.cluster_size()) {
    return bad(kHeaderLengthAt,
               fmt::format("the header claims a length of {} bytes", header.header_length));
  }
  if (header.refcount_order > kMaxRefcountOrder) {
    return bad(kRefcountOrderAt, fmt::format("refcounts have 2^{} bits, allowed are 2^0 to 2^{}",
                                             header.refcount_order, kMaxRefcountOrder));
  }
  if (const std::uint64_t unknown = header.incompatible & ~incompatible::kKnown) {
    return std::unexpected(error(ErrorCode::UnsupportedFeature,
                                 "the image needs unknown features (bits {:#x})", unknown)
                               .at(kIncompatibleAt));
  }
  std::uint8_t compression = 0;
  if (header.header_length > kCompressionTypeAt && head.size() > kCompressionTypeAt) {
    compression = std::to_integer<std::uint8_t>(head[kCompressionTypeAt]);
  }
  if (compression > static_cast<std::uint8_t>(CompressionType::zstd)) {
    return std::unexpected(
        error(ErrorCode::UnsupportedFeature, "compression type {} is unknown", compression)
            .at(kCompressionTypeAt));
  }
  header.compression = static_cast<CompressionType>(compression);
  const bool flagged = header.incompatible & incompatible::kCompressionType;
  if (flagged != (header.compression != CompressionType::zlib)) {
    return bad(kCompressionTypeAt, "the compression type contradicts its feature bit");
  }
  header.geometry.extended_l2 = header.incompatible & incompatible::kExtendedL2;
  header.geometry.data_file = header.incompatible & incompatible::kDataFile;
  if (header.geometry.extended_l2 && header.geometry.cluster_bits < kMinExtendedClusterBits) {
    return bad(kClusterBitsAt, fmt::format("extended L2 entries need clusters of 16 KiB or more, "
                                           "here they have {} bytes",
                                           header.geometry.cluster_size()));
  }
  return {};
}

Result<void> read_extension(const HeaderExtension& extension, std::uint64_t at, Header& header) {
  const auto& data = extension.data;
  switch (extension.type) {
    case kBackingFormat:
      header.backing_format = std::string(as_text(data));
      return {};
    case kDataFile:
      header.data_file_name = std::string(as_text(data));
      return {};
    case kEncryption:
      header.luks = true;
      return {};
    case kBitmaps:
      // Only meaningful while the autoclear bit stands: who wrote without knowing bitmaps has
      // cleared it.
      if (!(header.autoclear & autoclear::kBitmaps)) return {};
      if (data.size() != 24) {
        return bad(at,
                   fmt::format("the bitmaps extension has {} bytes instead of 24", data.size()));
      }
      header.bitmaps =
          BitmapsExtension{load_be<std::uint32_t>(data, 0), load_be<std::uint64_t>(data, 8),
                           load_be<std::uint64_t>(data, 16)};
      return {};
    case kExactSize: {
      if (data.size() != 8) return {};
      const auto exact = load_be<std::uint64_t>(data, 0);
      // Who resizes the image does not know this extension: it counts only while it fits.
      if (exact < header.geometry.size && header.geometry.size - exact < kSector) {
        header.geometry.size = exact;
      }
      return {};
    }
    default:
      return {};
  }
}

Result<void> read_extensions(const File& file, std::uint64_t file_size, Header& header) {
  const std::uint64_t end = header.backing_offset != 0
                                ? std::min(header.backing_offset, header.geometry.cluster_size())
                                : header.geometry.cluster_size();
  std::uint64_t at = header.header_length;
  while (at + 8 <= end) {
    if (at + 8 > file_size) {
      return fail(ErrorCode::Truncated, "the header extensions are cut short at {}", file_size);
    }
    std::array<std::byte, 8> prefix;
    VMLIFT_CHECK(file.read(at, prefix));
    HeaderExtension extension{load_be<std::uint32_t>(prefix, 0), {}};
    const auto length = load_be<std::uint32_t>(prefix, 4);
    if (extension.type == kEnd) break;
    if (length > end - at - 8) {
      return bad(at,
                 fmt::format("the header extension {:#x} claims {} bytes", extension.type, length));
    }
    if (!within(at + 8, length, file_size)) {
      return fail(ErrorCode::Truncated, "the header extensions are cut short at {}", file_size);
    }
    extension.data.resize(length);
    VMLIFT_CHECK(file.read(at + 8, extension.data));
    VMLIFT_CHECK(read_extension(extension, at, header));
    at += 8 + round_up(length, 8);
  }
  return {};
}

Result<void> read_backing_name(const File& file, std::uint64_t file_size, Header& header) {
  if (header.backing_offset == 0) return {};
  if (header.backing_size > kMaxBackingName ||
      !within(header.backing_offset, header.backing_size, header.geometry.cluster_size())) {
    return bad(kBackingSizeAt,
               fmt::format("the backing file's name claims {} bytes at {:#x}, allowed are {} in "
                           "the first cluster",
                           header.backing_size, header.backing_offset, kMaxBackingName));
  }
  if (!within(header.backing_offset, header.backing_size, file_size)) {
    return fail(ErrorCode::Truncated, "the backing file's name lies beyond the file's end");
  }
  header.backing_name.resize(header.backing_size);
  return file.read(header.backing_offset, std::as_writable_bytes(std::span(header.backing_name)));
}

Result<void> check_tables(const Header& header, std::uint64_t file_size, const Limits& limits) {
  const Geometry& geometry = header.geometry;
  if (geometry.size > limits.virtual_size) {
    return std::unexpected(error(ErrorCode::Limit, "the disk claims {} bytes, allowed are {}",
                                 geometry.size, limits.virtual_size)
                               .at(kSizeAt));
  }
  const std::uint64_t l1_bytes = std::uint64_t{header.l1_size} * 8;
  if (l1_bytes > limits.l1_table) {
    return std::unexpected(error(ErrorCode::Limit, "the L1 table claims {} bytes, allowed are {}",
                                 l1_bytes, limits.l1_table)
                               .at(kL1SizeAt));
  }
  if (header.l1_size < geometry.l1_entries()) {
    return bad(kL1SizeAt, fmt::format("the L1 table has {} entries, a disk of {} bytes needs {}",
                                      header.l1_size, geometry.size, geometry.l1_entries()));
  }
  VMLIFT_CHECK(check_table("L1 table", kL1OffsetAt, header.l1_offset, l1_bytes,
                           geometry.cluster_size(), file_size));
  const std::uint64_t refcount_bytes = std::uint64_t{header.refcount_table_clusters}
                                       << geometry.cluster_bits;
  if (refcount_bytes > limits.refcount_table) {
    return std::unexpected(error(ErrorCode::Limit,
                                 "the refcount table claims {} bytes, allowed are {}",
                                 refcount_bytes, limits.refcount_table)
                               .at(kRefcountTableClustersAt));
  }
  VMLIFT_CHECK(check_table("refcount table", kRefcountTableOffsetAt, header.refcount_table_offset,
                           refcount_bytes, geometry.cluster_size(), file_size));
  if (header.snapshot_count > limits.snapshots) {
    return std::unexpected(error(ErrorCode::Limit, "the image claims {} snapshots, allowed are {}",
                                 header.snapshot_count, limits.snapshots)
                               .at(kSnapshotCountAt));
  }
  if (header.snapshot_count != 0) {
    VMLIFT_CHECK(check_table("snapshot table", kSnapshotsOffsetAt, header.snapshots_offset, 0,
                             geometry.cluster_size(), file_size));
  }
  return {};
}

Result<void> check_encryption(const Header& header) {
  constexpr std::uint32_t kAes = 1;
  constexpr std::uint32_t kLuks = 2;
  if (header.crypt_method == 0) return {};
  if (header.crypt_method == kLuks && !header.luks) {
    return std::unexpected(error(ErrorCode::Corrupt,
                                 "the image says it is encrypted with LUKS, but has no LUKS header")
                               .at(kCryptMethodAt));
  }
  if (header.crypt_method == kAes || header.crypt_method == kLuks) {
    return std::unexpected(
        error(
            ErrorCode::Encrypted,
            "the image is encrypted with {}, which vmlift does not decrypt; decrypt it first with "
            "qemu-img convert",
            header.crypt_method == kLuks ? "LUKS" : "AES")
            .at(kCryptMethodAt));
  }
  return std::unexpected(
      error(ErrorCode::UnsupportedFeature, "encryption method {} is unknown", header.crypt_method)
          .at(kCryptMethodAt));
}

}  // namespace

Result<Header> read_header(const File& file, const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  std::array<std::byte, kWrittenLength> buffer{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, buffer));
  const auto head = std::span<const std::byte>(buffer).first(got);
  if (got < 4 || load_be<std::uint32_t>(head) != kMagic) {
    return fail(ErrorCode::BadMagic, "it does not begin as a qcow2 image does");
  }
  if (got < kVersion2Length) {
    return fail(ErrorCode::Truncated, "the header is cut short at {} bytes", got);
  }
  Header header;
  header.geometry.version = load_be<std::uint32_t>(head, kVersionAt);
  if (header.geometry.version != 2 && header.geometry.version != 3) {
    return std::unexpected(error(ErrorCode::UnsupportedVersion,
                                 "qcow version {} is unknown; 2 and 3 are read",
                                 header.geometry.version)
                               .at(kVersionAt));
  }
  VMLIFT_CHECK(read_fixed_fields(head, header));
  if (header.geometry.version == 3) VMLIFT_CHECK(read_version3_fields(head, header));
  VMLIFT_CHECK(read_extensions(file, file_size, header));
  VMLIFT_CHECK(read_backing_name(file, file_size, header));
  VMLIFT_CHECK(check_encryption(header));
  VMLIFT_CHECK(check_tables(header, file_size, limits));
  return header;
}

}  // namespace vmlift::qcow2
