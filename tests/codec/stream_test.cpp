#include "codec/stream.hpp"

#include <doctest/doctest.h>

#include <random>

#include "base/bytes.hpp"
#include "support/compress.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kMemory = std::uint64_t{128} << 20;

/// The whole stream, fed and taken in pieces of these sizes.
Result<std::string> decode(Wrapping wrapping, std::string_view packed,
                           std::size_t in_step = 1 << 20, std::size_t out_step = 1 << 20,
                           std::uint64_t memory = kMemory) {
  const auto decoder = StreamDecoder::make(wrapping, memory);
  std::string plain;
  Bytes buffer(out_step);
  std::span<const std::byte> rest = as_bytes(packed);
  std::span<const std::byte> in;
  for (;;) {
    if (in.empty()) {
      in = rest.first(std::min(in_step, rest.size()));
      rest = rest.subspan(in.size());
    }
    std::span<std::byte> out = buffer;
    auto complete = decoder->step(in, out, rest.empty());
    if (!complete) return std::unexpected(complete.error());
    plain += as_text(std::span(buffer).first(buffer.size() - out.size()));
    if (*complete) return plain;
  }
}

std::string some_text(std::size_t size, std::uint64_t seed) {
  return std::string(as_text(pattern(size, seed)));
}

struct Kind {
  Wrapping wrapping;
  std::string (*pack)(std::string_view);
};
constexpr Kind kKinds[] = {
    {Wrapping::gzip, gzip_of},
    {Wrapping::xz, [](std::string_view plain) { return xz_of(plain); }},
    {Wrapping::zstd, [](std::string_view plain) { return zstd_of(plain); }},
};

}  // namespace

TEST_SUITE("codec") {
  TEST_CASE("streams come back whole, whatever pieces they are handed in") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (const Kind& kind : kKinds) {
      CAPTURE(wrapping_name(kind.wrapping));
      for (const std::size_t size : {0, 1, 1000, 70000, 300000}) {
        const std::string plain = some_text(size, random());
        const std::string packed = kind.pack(plain);
        CHECK(must(decode(kind.wrapping, packed)) == plain);
        CHECK(must(decode(kind.wrapping, packed, 1 + random() % 500, 1 + random() % 5000)) ==
              plain);
        if (size <= 1000) CHECK(must(decode(kind.wrapping, packed, 1, 1)) == plain);
      }
    }
  }

  TEST_CASE("a stream cut anywhere is Truncated") {
    for (const Kind& kind : kKinds) {
      CAPTURE(wrapping_name(kind.wrapping));
      const std::string packed = kind.pack(some_text(3000, 1));
      for (std::size_t length = 0; length < packed.size(); ++length) {
        CAPTURE(length);
        REQUIRE(outcome(decode(kind.wrapping, packed.substr(0, length))) == "Truncated");
        REQUIRE(outcome(decode(kind.wrapping, packed.substr(0, length), 7, 100)) == "Truncated");
      }
    }
  }

  TEST_CASE("a flipped bit is an error or changes nothing") {
    for (const Kind& kind : kKinds) {
      CAPTURE(wrapping_name(kind.wrapping));
      const std::string plain = some_text(2000, 2);
      const std::string packed = kind.pack(plain);
      for (std::size_t at = 0; at < packed.size(); ++at) {
        CAPTURE(at);
        std::string damaged = packed;
        damaged[at] ^= 0x10;
        const auto result = decode(kind.wrapping, damaged);
        if (result) REQUIRE(*result == plain);  // a time stamp, an operating system
      }
    }
  }

  TEST_CASE("streams one behind the other are one, a thousand and empty ones too") {
    for (const Kind& kind : kKinds) {
      CAPTURE(wrapping_name(kind.wrapping));
      std::string packed;
      for (int i = 0; i < 1000; ++i) packed += kind.pack("ab") + kind.pack("");
      std::string plain;
      for (int i = 0; i < 1000; ++i) plain += "ab";
      CHECK(must(decode(kind.wrapping, packed)) == plain);
      CHECK(must(decode(kind.wrapping, packed, 13, 7)) == plain);
    }
  }

  TEST_CASE("what stands behind a stream and is none is Corrupt") {
    for (const Kind& kind : kKinds) {
      CAPTURE(wrapping_name(kind.wrapping));
      CHECK(outcome(decode(kind.wrapping, kind.pack("plain") + "this is no stream")) == "Corrupt");
    }
    // Tapes and devices pad with zeros.
    CHECK(must(decode(Wrapping::gzip, gzip_of("plain") + std::string(512, '\0'))) == "plain");
    CHECK(outcome(decode(Wrapping::gzip, gzip_of("a") + std::string(9, '\0') + gzip_of("b"))) ==
          "Corrupt");
  }

  TEST_CASE("gzip's checks of content and length are ChecksumMismatch") {
    std::string packed = gzip_of(some_text(5000, 3));
    SUBCASE("CRC") { packed[packed.size() - 8] ^= 1; }
    SUBCASE("length") { packed[packed.size() - 1] ^= 1; }
    CHECK(outcome(decode(Wrapping::gzip, packed)) == "ChecksumMismatch");
  }

  TEST_CASE("a gzip name that never ends is Limit") {
    std::string packed = gzip_of("x").substr(0, 10);
    packed[3] = 8;  // FNAME
    packed += std::string(1 << 20, 'n');
    CHECK(outcome(decode(Wrapping::gzip, packed, 4096)) == "Limit");
  }

  TEST_CASE("a stream that wants more memory than allowed is Limit before it gets any") {
    const std::string plain = some_text(5000, 4);
    CHECK(outcome(decode(Wrapping::xz, xz_of(plain, 64 << 20), 4096, 4096, 32 << 20)) == "Limit");
    CHECK(outcome(decode(Wrapping::xz, xz_of(plain, 16 << 20), 4096, 4096, 32 << 20)) == "ok");
    CHECK(outcome(decode(Wrapping::zstd, zstd_of(plain, 26), 4096, 4096, 32 << 20)) == "Limit");
    CHECK(outcome(decode(Wrapping::zstd, zstd_of(plain, 25), 4096, 4096, 32 << 20)) == "ok");
  }

  TEST_CASE("names and first bytes tell how a file is compressed") {
    CHECK(wrapping_of_name("disk.vmdk.gz") == Wrapping::gzip);
    CHECK(wrapping_of_name("DISK.RAW.XZ") == Wrapping::xz);
    CHECK(wrapping_of_name("disk.zst") == Wrapping::zstd);
    CHECK_FALSE(wrapping_of_name(".gz"));
    CHECK_FALSE(wrapping_of_name("disk.vmdk"));
    for (const Kind& kind : kKinds) {
      CHECK(wrapping_of_bytes(as_bytes(kind.pack("x"))) == kind.wrapping);
    }
    CHECK_FALSE(wrapping_of_bytes(as_bytes("KDMV")));
  }
}
