#include "formats/qcow2/encoder.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {
// Smaller than qemu-img's zlib 6 with its window of 4 KiB, at a quarter of its time.
constexpr int kDeflateLevel = 4;

int zstd_level(Effort effort) {
  switch (effort) {
    case Effort::fast:
      return 1;
    case Effort::balanced:
      return 3;
    case Effort::small:
      break;
  }
  return 12;
}
}  // namespace

std::variant<Deflater, ZstdEncoder> ClusterEncoder::make_compressor(const NewImage& image) {
  if (image.header.compression == CompressionType::zstd) {
    return ZstdEncoder(image.compression_level.value_or(zstd_level(image.effort)));
  }
  if (image.compression_level) return Deflater(*image.compression_level);
  return Deflater(image.effort, kDeflateLevel);
}

ClusterEncoder::ClusterEncoder(const NewImage& image)
    : cluster_size_(image.header.geometry.cluster_size()),
      codec_(image.header.compression == CompressionType::zstd ? Codec::zstd : Codec::deflate),
      compressor_(make_compressor(image)),
      zstd_decoder_(Limits{}.decoder_memory),
      // A cluster that does not shrink is stored plain.
      payload_(cluster_size_ - 1) {}

Result<EncodedUnit> ClusterEncoder::encode(std::uint64_t guest_offset,
                                           std::span<const std::byte> plain) {
  EncodedUnit unit{.guest = {guest_offset, plain.size()}, .codec = codec_};
  if (plain.size() < cluster_size_) {
    // The disk ends inside its last cluster; the cluster is stored whole.
    plain_.assign(cluster_size_, std::byte{0});
    std::ranges::copy(plain, plain_.begin());
    plain = plain_;
  }
  const auto length = codec_ == Codec::zstd
                          ? std::get<ZstdEncoder>(compressor_).encode(plain, payload_)
                          : std::get<Deflater>(compressor_).deflate(plain, payload_);
  if (length) unit.payload = std::span(payload_).first(*length);
  return unit;
}

Result<std::size_t> ClusterEncoder::stream_length(const EncodedUnit& unit) {
  // Where the source kept a checksum it kept the length too. Elsewhere bytes of the neighbour may
  // follow the stream, and only decoding finds its end.
  if (unit.adler32) return unit.payload.size();
  plain_.resize(cluster_size_);
  if (codec_ == Codec::zstd) return zstd_decoder_.decode(unit.payload, plain_);
  return inflater_.inflate(unit.payload, plain_);
}

Result<std::optional<EncodedUnit>> ClusterEncoder::adopt(const EncodedUnit& unit) {
  if (unit.codec != codec_ || unit.guest.length != cluster_size_ ||
      !is_aligned(unit.guest.offset, cluster_size_)) {
    return std::nullopt;
  }
  VMLIFT_TRY(const std::size_t length, stream_length(unit));
  if (length == 0) return std::nullopt;
  EncodedUnit adopted = unit;
  if (length >= cluster_size_) {
    adopted.payload = {};
    return adopted;
  }
  adopted.payload = unit.payload.first(length);
  return adopted;
}

}  // namespace vmlift::qcow2
