#include "codec/zstd.hpp"

#include <doctest/doctest.h>

#include "base/bytes.hpp"

using namespace vmlift;

TEST_SUITE_BEGIN("codec");

TEST_CASE("zstd: units of one frame or several decode to their bytes, whatever follows") {
  Bytes plain(65536);
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<std::byte>(i * i >> 8);
  ZstdEncoder encoder(3);
  ZstdDecoder decoder(std::uint64_t{128} << 20);
  Bytes packed(80000);
  const std::span<const std::byte> whole(plain);
  const auto first = encoder.encode(whole.first(30000), packed);
  REQUIRE(first);
  const auto second = encoder.encode(whole.subspan(30000), std::span(packed).subspan(*first));
  REQUIRE(second);
  Bytes out(plain.size());
  for (int round = 0; round < 2; ++round) {
    const auto consumed = decoder.decode(packed, out);
    REQUIRE(consumed);
    CHECK(*consumed <= *first + *second);
    CHECK(out == plain);
  }
}

TEST_CASE("zstd: garbage and short data are Corrupt, a giant window is Limit") {
  ZstdDecoder decoder(std::uint64_t{128} << 20);
  Bytes out(4096);
  CHECK(decoder.decode(Bytes(64, std::byte{0x11}), out).error().code() == ErrorCode::Corrupt);
  CHECK(decoder.decode({}, out).error().code() == ErrorCode::Corrupt);
  // RFC 8878: magic, a frame header with no content size, a window descriptor of 2^31 bytes.
  Bytes frame(32);
  store_le<std::uint32_t>(frame, 0, 0xfd2fb528);
  frame[5] = std::byte{21 << 3};
  CHECK(decoder.decode(frame, out).error().code() == ErrorCode::Limit);
}

TEST_CASE("zstd: what does not shrink into the room is no unit") {
  Bytes plain(4096);
  for (std::size_t i = 0; i < plain.size(); ++i)
    plain[i] = static_cast<std::byte>(i * 2654435761U >> 13);
  Bytes packed(10);
  CHECK(!ZstdEncoder(3).encode(plain, packed));
}

TEST_SUITE_END();
