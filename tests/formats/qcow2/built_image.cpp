#include "built_image.hpp"

#include <algorithm>

#include "codec/deflate.hpp"
#include "support/patterns.hpp"

namespace vmlift::test {

BuiltImage::BuiltImage() : bytes(10 * kCluster) {
  put32(0, 0x514649fb);
  put32(4, 3);         // version
  put32(20, 16);       // cluster_bits
  put64(24, 4 << 20);  // size
  put32(36, 1);        // l1_size
  put64(40, kL1);
  put64(48, kCluster);  // refcount table
  put32(56, 1);
  put32(96, 4);     // refcount_order
  put32(100, 112);  // header_length
  put64(kCluster, 2 * kCluster);
  for (std::uint64_t n = 0; n < 10; ++n) store_be<std::uint16_t>(bytes, 2 * kCluster + n * 2, 1);
  put64(kL1, kL2 | kCopied);
  for (std::uint64_t n = 0; n < 4; ++n) map(n, (kData + n * kCluster) | kCopied);
  fill_pattern(std::span(bytes).subspan(kData, 4 * kCluster), 1);
  Bytes payload(kCluster);
  const auto length = Deflater(6).deflate(Bytes(kCluster, std::byte{7}), payload);
  pack(std::span(payload).first(*length));
}

void BuiltImage::pack(std::span<const std::byte> payload) {
  std::ranges::copy(payload, bytes.begin() + static_cast<std::ptrdiff_t>(kPacked));
  const std::uint64_t sectors = (payload.size() - 1) / 512;
  map(kPackedGuest, kCompressed | sectors << 54 | kPacked);
}

void BuiltImage::extend(std::uint32_t type, std::string_view data) {
  put32(extensions_end_, type);
  put32(extensions_end_ + 4, static_cast<std::uint32_t>(data.size()));
  std::ranges::copy(as_bytes(data),
                    bytes.begin() + static_cast<std::ptrdiff_t>(extensions_end_) + 8);
  extensions_end_ += 8 + (data.size() + 7) / 8 * 8;
}

void BuiltImage::backing(std::string_view name, std::string_view format) {
  extend(0xe2792aca, format);
  constexpr std::uint64_t kName = 4096;
  std::ranges::copy(as_bytes(name), bytes.begin() + kName);
  put64(8, kName);
  put32(16, static_cast<std::uint32_t>(name.size()));
}

}  // namespace vmlift::test
