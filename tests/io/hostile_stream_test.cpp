// Hostile .gz, .xz and .zst files, opened as disks: each is a named error, at once and in little
// memory.
#include <doctest/doctest.h>

#include "support/compress.hpp"
#include "support/fate.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string fate_of(const std::string& name, std::string_view packed) {
  TemporaryFolder folder;
  OpenOptions options{.format = "raw"};
  options.limits.expanded = 64 << 20;
  return fate(folder.write(name, packed), options);
}

std::string repeated(const std::string& stream, int times) {
  std::string all;
  for (int n = 0; n < times; ++n) all += stream;
  return all;
}

std::string flipped(std::string packed, std::size_t at) {
  packed[at] ^= 0x10;
  return packed;
}

/// The stream's first block claims a dictionary of 4 GiB - 1: LZMA2's property byte 40, and the
/// block header's CRC made to fit.
std::string with_huge_dictionary(std::string packed) {
  constexpr std::size_t kBlock = 12;  // behind the stream header
  const std::size_t dictionary = packed.find("\x21\x01", kBlock) + 2;
  const std::size_t length = (static_cast<unsigned char>(packed[kBlock]) + 1) * 4 - 4;
  packed[dictionary] = 40;
  const auto* block = reinterpret_cast<const std::uint8_t*>(packed.data()) + kBlock;
  const std::uint32_t crc = lzma_crc32(block, length, 0);
  for (int n = 0; n < 4; ++n) packed[kBlock + length + n] = static_cast<char>(crc >> 8 * n);
  return packed;
}

}  // namespace

TEST_SUITE("hostile streams") {
  TEST_CASE("gzip") {
    const std::string packed = gzip_of(some_bytes(100000));
    CHECK(fate_of("d.gz", packed) == "ok");
    CHECK(fate_of("d.gz", repeated(gzip_of(std::string(16 << 20, '\0')), 64)) == "Limit");
    CHECK(fate_of("d.gz", packed + "garbage behind the end") == "Corrupt");
    CHECK(fate_of("d.gz", repeated(gzip_of(std::string(512, 'x')), 1000)) == "ok");
    CHECK(fate_of("d.gz", flipped(packed, packed.size() - 8)) == "ChecksumMismatch");
    CHECK(fate_of("d.gz", flipped(packed, packed.size() - 4)) == "ChecksumMismatch");
    for (const std::size_t length : {1, 3, 9, 10, 1000}) {
      CHECK(fate_of("d.gz", packed.substr(0, length)) == (length < 3 ? "BadMagic" : "Truncated"));
    }
    std::string endless = packed.substr(0, 10);
    endless[3] = 8;  // a file name follows
    CHECK(fate_of("d.gz", endless + std::string(8 << 20, 'n')) == "Limit");
  }

  TEST_CASE("xz") {
    const std::string packed = xz_of(some_bytes(100000));
    CHECK(fate_of("d.xz", packed) == "ok");
    CHECK(fate_of("d.xz", with_huge_dictionary(packed)) == "Limit");
    CHECK(fate_of("d.xz", repeated(xz_of(std::string(16 << 20, '\0')), 64)) == "Limit");
    CHECK(fate_of("d.xz", flipped(packed, packed.size() / 2)) == "Corrupt");
    CHECK(fate_of("d.xz", packed.substr(0, packed.size() / 2)) == "Truncated");
    CHECK(fate_of("d.xz", packed + repeated(xz_of(""), 10000)) == "ok");
    CHECK(fate_of("d.xz", packed + "garbage behind the end") == "Corrupt");
  }

  TEST_CASE("zstd") {
    const std::string packed = zstd_of(some_bytes(100000));
    CHECK(fate_of("d.zst", packed) == "ok");
    CHECK(fate_of("d.zst", zstd_of(some_bytes(100000), 30)) == "Limit");
    CHECK(fate_of("d.zst", repeated(zstd_of(std::string(16 << 20, '\0')), 64)) == "Limit");
    CHECK(fate_of("d.zst", packed.substr(0, packed.size() / 2)) == "Truncated");
    CHECK(fate_of("d.zst", packed + "garbage behind the end") == "Corrupt");
  }
}
