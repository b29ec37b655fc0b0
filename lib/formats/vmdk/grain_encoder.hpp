// Makes compressed grains: from plain bytes, or from another image's unit taken over as it is.
#pragma once

#include "base/bytes.hpp"
#include "codec/deflate.hpp"
#include "formats/vmdk/create_options.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::vmdk {

/// Bytes in a grain of the images that are written here, as VMware writes them.
inline constexpr std::uint64_t kGrainBytes = 64 << 10;
/// Smaller than what VMware's and QEMU's zlib makes of the same at its level 6.
inline constexpr int kDeflateLevel = 6;

class GrainEncoder : public UnitEncoder {
 public:
  explicit GrainEncoder(const NewImage& image)
      : deflater_(image.compression_level ? Deflater(*image.compression_level)
                                          : Deflater(image.effort, kDeflateLevel)),
        payload_(deflate_bound(kGrainBytes)) {}

  std::uint64_t unit_size() const override { return kGrainBytes; }
  Result<EncodedUnit> encode(std::uint64_t guest_offset, std::span<const std::byte> plain) override;
  Result<std::optional<EncodedUnit>> adopt(const EncodedUnit& unit) override;

 private:
  Deflater deflater_;
  Inflater inflater_;
  Bytes plain_;
  Bytes payload_;
};

}  // namespace vmlift::vmdk
