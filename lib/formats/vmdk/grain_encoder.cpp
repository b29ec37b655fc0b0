#include "formats/vmdk/grain_encoder.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/marker.hpp"

namespace vmlift::vmdk {

Result<EncodedUnit> GrainEncoder::encode(std::uint64_t guest_offset,
                                         std::span<const std::byte> plain) {
  EncodedUnit unit{.guest = {guest_offset, plain.size()}, .codec = Codec::deflate};
  if (plain.size() < kGrainBytes) {
    // The disk ends inside its last grain; the grain is stored whole.
    plain_.assign(kGrainBytes, std::byte{0});
    std::ranges::copy(plain, plain_.begin());
    plain = plain_;
  }
  // A stream has no plain grains: what does not deflate grows a little.
  const auto length = deflater_.deflate(plain, payload_);
  if (!length) return fail(ErrorCode::Internal, "a grain outgrew the bound of its compressor");
  unit.payload = std::span(payload_).first(*length);
  unit.adler32 = adler32(plain);
  return unit;
}

Result<std::optional<EncodedUnit>> GrainEncoder::adopt(const EncodedUnit& unit) {
  if (unit.codec != Codec::deflate || unit.guest.length != kGrainBytes ||
      !is_aligned(unit.guest.offset, kGrainBytes)) {
    return std::nullopt;
  }
  EncodedUnit adopted = unit;
  if (!unit.adler32) {
    // Where the source keeps no checksum it keeps no length either: one inflation finds both.
    plain_.resize(kGrainBytes);
    VMLIFT_TRY(const std::size_t length, inflater_.inflate(unit.payload, plain_));
    adopted.payload = unit.payload.first(length);
    adopted.adler32 = adler32(plain_);
  }
  if (adopted.payload.size() + kZlibHeaderSize + kZlibTrailerSize >
      max_compressed_grain(kGrainBytes)) {
    return std::nullopt;
  }
  return adopted;
}

}  // namespace vmlift::vmdk
