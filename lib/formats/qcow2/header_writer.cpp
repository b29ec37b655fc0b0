// The header as a new image begins with it.
#include <algorithm>
#include <array>

#include "base/fail.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/header_fields.hpp"

namespace vmlift::qcow2 {
namespace {

using namespace fields;

class ExtensionWriter {
 public:
  explicit ExtensionWriter(Bytes& out) : out_(out) {}
  void add(std::uint32_t type, std::span<const std::byte> data) {
    const std::size_t at = out_.size();
    out_.resize(at + 8 + round_up(data.size(), 8));
    store_be<std::uint32_t>(out_, at, type);
    store_be<std::uint32_t>(out_, at + 4, static_cast<std::uint32_t>(data.size()));
    std::ranges::copy(data, out_.begin() + static_cast<std::ptrdiff_t>(at) + 8);
  }

 private:
  Bytes& out_;
};

/// So that an older reader can name the feature that it lacks.
Bytes feature_names() {
  struct Feature {
    std::uint8_t type, bit;
    std::string_view name;
  };
  static constexpr Feature kFeatures[] = {
      {0, 0, "dirty bit"},        {0, 1, "corrupt bit"},         {0, 2, "external data file"},
      {0, 3, "compression type"}, {0, 4, "extended L2 entries"}, {1, 0, "lazy refcounts"},
      {2, 0, "bitmaps"},          {2, 1, "raw external data"},
  };
  constexpr std::size_t kRow = 48;
  Bytes table(std::size(kFeatures) * kRow);
  std::size_t at = 0;
  for (const Feature& feature : kFeatures) {
    table[at] = std::byte{feature.type};
    table[at + 1] = std::byte{feature.bit};
    std::ranges::copy(as_bytes(feature.name), table.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    at += kRow;
  }
  return table;
}

}  // namespace

Result<Bytes> Header::encode() const {
  const bool version3 = geometry.version == 3;
  Bytes out(version3 ? kWrittenLength : kVersion2Length);
  store_be<std::uint32_t>(out, 0, kMagic);
  store_be<std::uint32_t>(out, kVersionAt, geometry.version);
  store_be<std::uint32_t>(out, kClusterBitsAt, geometry.cluster_bits);
  store_be<std::uint64_t>(out, kSizeAt, round_up(geometry.size, kSector));
  store_be<std::uint32_t>(out, kL1SizeAt, l1_size);
  store_be<std::uint64_t>(out, kL1OffsetAt, l1_offset);
  store_be<std::uint64_t>(out, kRefcountTableOffsetAt, refcount_table_offset);
  store_be<std::uint32_t>(out, kRefcountTableClustersAt, refcount_table_clusters);
  if (version3) {
    store_be<std::uint64_t>(out, kIncompatibleAt, incompatible);
    store_be<std::uint64_t>(out, kCompatibleAt, compatible);
    store_be<std::uint64_t>(out, kAutoclearAt, autoclear);
    store_be<std::uint32_t>(out, kRefcountOrderAt, refcount_order);
    store_be<std::uint32_t>(out, kHeaderLengthAt, kWrittenLength);
    out[kCompressionTypeAt] = static_cast<std::byte>(compression);
  }
  ExtensionWriter extensions(out);
  if (backing_format) extensions.add(kBackingFormat, as_bytes(*backing_format));
  if (geometry.size % kSector != 0) {
    std::array<std::byte, 8> exact;
    store_be<std::uint64_t>(exact, 0, geometry.size);
    extensions.add(kExactSize, exact);
  }
  if (data_file_name) extensions.add(kDataFile, as_bytes(*data_file_name));
  if (bitmaps) {
    std::array<std::byte, 24> place{};
    store_be<std::uint32_t>(place, 0, bitmaps->count);
    store_be<std::uint64_t>(place, 8, bitmaps->directory_size);
    store_be<std::uint64_t>(place, 16, bitmaps->directory_offset);
    extensions.add(fields::kBitmaps, place);
  }
  // With clusters of 512 bytes the names do not fit, and nobody needs them.
  const Bytes names = feature_names();
  if (version3 && out.size() + names.size() + 16 + backing_name.size() <= geometry.cluster_size()) {
    extensions.add(kFeatureNames, names);
  }
  extensions.add(kEnd, {});
  if (!backing_name.empty()) {
    store_be<std::uint64_t>(out, kBackingOffsetAt, out.size());
    store_be<std::uint32_t>(out, kBackingSizeAt, static_cast<std::uint32_t>(backing_name.size()));
    const auto name = as_bytes(backing_name);
    out.insert(out.end(), name.begin(), name.end());
  }
  if (out.size() > geometry.cluster_size()) {
    return fail(ErrorCode::InvalidArgument,
                "the header with the backing file's name needs {} bytes, a cluster has {}",
                out.size(), geometry.cluster_size());
  }
  return out;
}

}  // namespace vmlift::qcow2
