// Makes compressed clusters: from plain bytes, or from another image's unit taken over as it is.
#pragma once

#include <optional>
#include <variant>

#include "base/bytes.hpp"
#include "codec/deflate.hpp"
#include "codec/zstd.hpp"
#include "formats/qcow2/create_options.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::qcow2 {

class ClusterEncoder : public UnitEncoder {
 public:
  explicit ClusterEncoder(const NewImage& image);

  std::uint64_t unit_size() const override { return cluster_size_; }
  Result<EncodedUnit> encode(std::uint64_t guest_offset, std::span<const std::byte> plain) override;
  Result<std::optional<EncodedUnit>> adopt(const EncodedUnit& unit) override;

 private:
  static std::variant<Deflater, ZstdEncoder> make_compressor(const NewImage& image);
  Result<std::size_t> stream_length(const EncodedUnit& unit);

  const std::uint64_t cluster_size_;
  const Codec codec_;
  std::variant<Deflater, ZstdEncoder> compressor_;
  Inflater inflater_;
  ZstdDecoder zstd_decoder_;
  Bytes plain_;
  Bytes payload_;
};

}  // namespace vmlift::qcow2
