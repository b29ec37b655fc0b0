#include "formats/vmdk/sparse_header.hpp"

#include <bit>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {

// Offsets of the fields; compressAlgorithm is the unaligned one.
enum Field : std::size_t {
  kMagic = 0,
  kVersion = 4,
  kFlags = 8,
  kCapacity = 12,
  kGrainSize = 20,
  kDescriptorOffset = 28,
  kDescriptorSize = 36,
  kTableEntries = 44,
  kRedundantDirectoryField = 48,
  kDirectory = 56,
  kOverhead = 64,
  kUncleanShutdown = 72,
  kNewlines = 73,
  kAlgorithm = 77,
};
constexpr std::string_view kNewlineBytes = "\n \r\n";

// 1 GiB and 65536 entries: far beyond what any product writes, small enough to multiply.
constexpr std::uint64_t kMaxGrainSize = std::uint64_t{1} << 21;
constexpr std::uint32_t kMaxTableEntries = 65536;
// Incompatible changes set bits of the upper half; those not listed here are unknown.
constexpr std::uint32_t kIncompatibleFlags = 0xffff0000;

}  // namespace

bool is_sparse_header(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && load_le<std::uint32_t>(bytes, kMagic) == kSparseMagic;
}

Result<SparseHeader> parse_sparse_header(std::span<const std::byte> bytes, const Limits& limits) {
  if (!is_sparse_header(bytes)) {
    return fail(ErrorCode::BadHeader, "no sparse VMDK extent: it does not start with 'KDMV'");
  }
  if (bytes.size() < kSector) {
    return fail(ErrorCode::Truncated, "the sparse header is cut short");
  }
  SparseHeader header;
  header.version = load_le<std::uint32_t>(bytes, kVersion);
  if (header.version < 1 || header.version > 3) {
    return fail(ErrorCode::UnsupportedVersion, "sparse header version {}; known are 1 to 3",
                header.version);
  }
  header.flags = load_le<std::uint32_t>(bytes, kFlags);
  header.capacity = load_le<std::uint64_t>(bytes, kCapacity);
  header.grain_size = load_le<std::uint64_t>(bytes, kGrainSize);
  header.descriptor_offset = load_le<std::uint64_t>(bytes, kDescriptorOffset);
  header.descriptor_size = load_le<std::uint64_t>(bytes, kDescriptorSize);
  header.table_entries = load_le<std::uint32_t>(bytes, kTableEntries);
  header.redundant_directory = load_le<std::uint64_t>(bytes, kRedundantDirectoryField);
  header.directory = load_le<std::uint64_t>(bytes, kDirectory);
  header.overhead = load_le<std::uint64_t>(bytes, kOverhead);
  header.unclean_shutdown = bytes[kUncleanShutdown] != std::byte{0};
  header.algorithm = load_le<std::uint16_t>(bytes, kAlgorithm);

  if (header.has(SparseHeader::kNewlineTest) &&
      as_text(bytes.subspan(kNewlines, kNewlineBytes.size())) != kNewlineBytes) {
    return fail(ErrorCode::Corrupt,
                "the header's line ends were changed: the file went through a text-mode transfer; "
                "copy it again in binary mode");
  }
  constexpr std::uint32_t kKnown = SparseHeader::kCompressed | SparseHeader::kMarkers;
  if ((header.flags & kIncompatibleFlags & ~kKnown) != 0) {
    return fail(ErrorCode::UnsupportedFeature, "the header has unknown flags {:#x}",
                header.flags & kIncompatibleFlags & ~kKnown);
  }
  if (header.algorithm > SparseHeader::kDeflate) {
    return fail(ErrorCode::UnsupportedFeature, "compression algorithm {} is unknown",
                header.algorithm);
  }
  if (header.capacity == 0) return header;

  if (!std::has_single_bit(header.grain_size) || header.grain_size > kMaxGrainSize) {
    return fail(ErrorCode::BadHeader, "a grain size of {} sectors", header.grain_size);
  }
  if (!std::has_single_bit(header.table_entries) || header.table_entries > kMaxTableEntries) {
    return fail(ErrorCode::BadHeader, "{} entries in a grain table", header.table_entries);
  }
  const auto capacity = sectors_to_bytes(header.capacity);
  if (!capacity || *capacity > limits.virtual_size) {
    return fail(ErrorCode::Limit, "the extent claims {} sectors, allowed are {}", header.capacity,
                limits.virtual_size / kSector);
  }
  if (header.compressed() != (header.algorithm == SparseHeader::kDeflate)) {
    return fail(ErrorCode::BadHeader, "the compression flag and algorithm {} contradict each other",
                header.algorithm);
  }
  if (header.compressed() != header.has(SparseHeader::kMarkers)) {
    return fail(ErrorCode::UnsupportedFeature, "{}",
                header.compressed() ? "compressed grains without markers"
                                    : "markers without compressed grains");
  }
  if (header.compressed() && header.grain_bytes() > limits.decoder_memory / 4) {
    return fail(ErrorCode::Limit, "compressed grains of {} bytes need more than decoder_memory",
                header.grain_bytes());
  }
  return header;
}

std::array<std::byte, kSector> encode_sparse_header(const SparseHeader& header) {
  std::array<std::byte, kSector> bytes{};
  store_le(bytes, kMagic, kSparseMagic);
  store_le(bytes, kVersion, header.version);
  store_le(bytes, kFlags, header.flags);
  store_le(bytes, kCapacity, header.capacity);
  store_le(bytes, kGrainSize, header.grain_size);
  store_le(bytes, kDescriptorOffset, header.descriptor_offset);
  store_le(bytes, kDescriptorSize, header.descriptor_size);
  store_le(bytes, kTableEntries, header.table_entries);
  store_le(bytes, kRedundantDirectoryField, header.redundant_directory);
  store_le(bytes, kDirectory, header.directory);
  store_le(bytes, kOverhead, header.overhead);
  bytes[kUncleanShutdown] = static_cast<std::byte>(header.unclean_shutdown);
  for (std::size_t i = 0; i < kNewlineBytes.size(); ++i) {
    bytes[kNewlines + i] = static_cast<std::byte>(kNewlineBytes[i]);
  }
  store_le(bytes, kAlgorithm, header.algorithm);
  return bytes;
}

}  // namespace vmlift::vmdk
