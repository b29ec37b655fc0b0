#include "codec/deflate.hpp"

#include <doctest/doctest.h>

#include <random>

#include "base/bytes.hpp"
#include "base/pool.hpp"

using namespace vmlift;

namespace {
/// Half random, half repeated: deflates, but not to nothing.
Bytes sample(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = i % 64 < 32 ? static_cast<std::byte>(random()) : static_cast<std::byte>(i % 7);
  }
  return bytes;
}
}  // namespace

TEST_SUITE_BEGIN("codec");

TEST_CASE("what is deflated inflates to the same bytes, at every effort and size") {
  for (const Effort effort : {Effort::fast, Effort::balanced, Effort::small}) {
    Deflater deflater(effort, 6);
    Inflater inflater;
    for (const std::size_t size : {1UL, 512UL, 4096UL, 65536UL, 1UL << 20}) {
      CAPTURE(size);
      const Bytes plain = sample(size, 7);
      Bytes packed(deflate_bound(size));
      const auto length = deflater.deflate_zlib(plain, adler32(plain), packed);
      REQUIRE(length);
      packed.resize(*length);
      packed.resize(*length + 100, std::byte{0xa5});  // bytes of the next unit
      Bytes again(size);
      const auto consumed = inflater.inflate_zlib(packed, again);
      REQUIRE(consumed);
      CHECK(*consumed == *length);
      CHECK(again == plain);
    }
  }
}

TEST_CASE("random bytes stay within the bound") {
  std::mt19937 random(3);
  Bytes plain(65536);
  for (auto& byte : plain) byte = static_cast<std::byte>(random());
  for (int level = 1; level <= 12; ++level) {
    Bytes packed(deflate_bound(plain.size()));
    CHECK(Deflater(level).deflate_zlib(plain, adler32(plain), packed));
  }
}

TEST_CASE("a stream that does not fit is no stream") {
  const Bytes plain = sample(65536, 1);
  Bytes packed(1000);
  CHECK(!Deflater(6).deflate(plain, packed));
  CHECK(!Deflater(6).deflate_zlib(plain, 0, std::span(packed).first(5)));
}

TEST_CASE("a stream of another length, a wrong checksum and garbage are told apart") {
  const Bytes plain = sample(4096, 5);
  Bytes packed(deflate_bound(plain.size()));
  packed.resize(*Deflater(6).deflate_zlib(plain, adler32(plain), packed));
  Inflater inflater;
  Bytes out(4096);
  Bytes longer(4097);
  Bytes shorter(4095);
  CHECK(inflater.inflate_zlib(packed, longer).error().code() == ErrorCode::Corrupt);
  CHECK(inflater.inflate_zlib(packed, shorter).error().code() == ErrorCode::Corrupt);
  const auto cut = std::span(packed).first(packed.size() - 1);
  CHECK(inflater.inflate_zlib(cut, out).error().code() == ErrorCode::Corrupt);
  packed.back() ^= std::byte{1};
  CHECK(inflater.inflate_zlib(packed, out).error().code() == ErrorCode::ChecksumMismatch);
  packed[0] = std::byte{0x79};
  CHECK(inflater.inflate_zlib(packed, out).error().code() == ErrorCode::Corrupt);
  CHECK(inflater.inflate(Bytes(100, std::byte{0xff}), out).error().code() == ErrorCode::Corrupt);
  CHECK(!inflater.inflate({}, out));
  CHECK(!inflater.inflate_zlib({}, out));
}

TEST_CASE("a pool hands an object back out after its lease") {
  Pool<Inflater> pool;
  const Inflater* first = nullptr;
  {
    auto lease = pool.lease();
    first = &*lease;
    CHECK(&*pool.lease() != first);
  }
  auto a = pool.lease();
  auto b = pool.lease();
  CHECK((&*a == first || &*b == first));
}

TEST_SUITE_END();
