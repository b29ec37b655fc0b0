// Hostile and damaged images. Each is a named error, at once and in little memory; what the image
// names is not opened.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>

#include "built_image.hpp"
#include "codec/deflate.hpp"
#include "io/memory_file.hpp"
#include "qemu_image.hpp"
#include "support/command.hpp"
#include "support/fate.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

using Clock = std::chrono::steady_clock;
using Policy = OpenPolicy::References;

OpenOptions with(Policy references) {
  OpenOptions options;
  options.format = "qcow2";
  options.policy.references = references;
  return options;
}

std::string fate(const std::string& path) {
  return vmlift::test::fate(path, with(Policy::by_format));
}

/// Reads a disk from end to end; the first error's name, or "ok".
std::string fate_of(const Disk& disk, std::vector<std::byte>* content = nullptr) {
  if (const auto info = disk.info(); !info) return outcome(info);
  if (const auto map = disk.map(); !map) return outcome(map);
  std::vector<std::byte> buffer(1 << 20);
  for (std::uint64_t at = 0; at < disk.size(); at += buffer.size()) {
    const auto part =
        std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), disk.size() - at));
    if (const auto read = disk.read(at, part); !read) return outcome(read);
    if (content) content->insert(content->end(), part.begin(), part.end());
  }
  return "ok";
}

std::string fate_of_bytes(std::span<const std::byte> bytes,
                          std::vector<std::byte>* content = nullptr) {
  const auto disk = open_disk(std::make_shared<MemoryFile>("image", bytes), with(Policy::deny));
  return disk ? fate_of(**disk, content) : outcome(disk);
}

std::string as_string(std::span<const std::byte> bytes) { return std::string(as_text(bytes)); }

Bytes deflated(std::size_t plain) {
  Bytes out(1 << 20);
  const auto length = Deflater(9).deflate(Bytes(plain, std::byte{7}), out);
  out.resize(*length);
  return out;
}

struct BadInput {
  const char* what;
  const char* expected;
  std::function<void(BuiltImage&)> spoil;
};

constexpr std::uint64_t kCluster = BuiltImage::kCluster;
constexpr std::uint64_t kCopied = BuiltImage::kCopied;

const BadInput kBadInputs[] = {
    {"a header cut at 60 bytes", "Truncated", [](auto& i) { i.bytes.resize(60); }},
    {"no header at all", "BadMagic", [](auto& i) { i.bytes.resize(0); }},
    {"clusters of 2^8", "BadHeader", [](auto& i) { i.put32(20, 8); }},
    {"clusters of 2^30", "BadHeader", [](auto& i) { i.put32(20, 30); }},
    {"clusters of 2^63", "BadHeader", [](auto& i) { i.put32(20, 63); }},
    {"version 4", "UnsupportedVersion", [](auto& i) { i.put32(4, 4); }},
    {"an L1 table of 2^32 entries", "Limit", [](auto& i) { i.put32(36, 0xffffffff); }},
    {"32 MiB of L1 table in a small file", "Truncated", [](auto& i) { i.put32(36, 4 << 20); }},
    {"an unaligned L1 table", "BadHeader", [](auto& i) { i.put64(40, BuiltImage::kL1 + 512); }},
    {"an L1 table beyond the end", "Truncated", [](auto& i) { i.put64(40, 1 << 30); }},
    {"an L1 table at 2^63", "Truncated", [](auto& i) { i.put64(40, std::uint64_t{1} << 63); }},
    {"an L1 table too small for the size", "BadHeader", [](auto& i) { i.put64(24, 1 << 30); }},
    {"a size of 2^63", "Limit", [](auto& i) { i.put64(24, std::uint64_t{1} << 63); }},
    {"a size of 2^64 - 1", "Limit", [](auto& i) { i.put64(24, ~std::uint64_t{0}); }},
    {"128 PiB", "Limit", [](auto& i) { i.put64(24, std::uint64_t{1} << 57); }},
    {"a refcount table of 0x20001 clusters", "Limit", [](auto& i) { i.put32(56, 0x20001); }},
    {"refcounts of 2^7 bits", "BadHeader", [](auto& i) { i.put32(96, 7); }},
    {"a header of 2^32 - 1 bytes", "BadHeader", [](auto& i) { i.put32(100, 0xffffffff); }},
    {"a header of 8 bytes", "BadHeader", [](auto& i) { i.put32(100, 8); }},
    {"an unknown incompatible feature", "UnsupportedFeature", [](auto& i) { i.put8(72, 0x80); }},
    {"the corrupt bit", "Corrupt", [](auto& i) { i.put8(79, 2); }},
    {"the dirty bit", "ok", [](auto& i) { i.put8(79, 1); }},
    {"a header extension of 2 GiB", "BadHeader",
     [](auto& i) {
       i.put32(112, 0x6803f857);
       i.put32(116, 0x7fffffff);
     }},
    {"2^32 - 1 snapshots", "Limit", [](auto& i) { i.put32(60, 0xffffffff); }},
    {"snapshots beyond the end", "Truncated",
     [](auto& i) {
       i.put32(60, 1);
       i.put64(64, 1 << 30);
     }},
    {"a backing name of 2^32 - 1 bytes", "BadHeader",
     [](auto& i) {
       i.put64(8, 4096);
       i.put32(16, 0xffffffff);
     }},
    {"a data cluster beyond the end", "Truncated",
     [](auto& i) { i.map(1, (std::uint64_t{1} << 40) | kCopied); }},
    {"an unaligned data cluster", "Corrupt",
     [](auto& i) { i.map(1, (BuiltImage::kData + kCluster + 512) | kCopied); }},
    {"a data cluster on the L1 table", "Corrupt",
     [](auto& i) { i.map(1, BuiltImage::kL1 | kCopied); }},
    {"a data cluster on the L2 table", "Corrupt",
     [](auto& i) { i.map(1, BuiltImage::kL2 | kCopied); }},
    {"a data cluster on the refcount table", "Corrupt",
     [](auto& i) { i.map(1, kCluster | kCopied); }},
    {"a data cluster used twice", "Corrupt",
     [](auto& i) { i.map(20, BuiltImage::kData | kCopied); }},
    {"an L2 table on the header", "Corrupt",
     [](auto& i) { i.put64(BuiltImage::kL1, kCopied | (kCluster - kCluster + 512)); }},
    {"an L2 table beyond the end", "Truncated",
     [](auto& i) { i.put64(BuiltImage::kL1, kCopied | (1 << 30)); }},
    {"reserved bits in the L1 table", "Corrupt",
     [](auto& i) { i.put64(BuiltImage::kL1, BuiltImage::kL2 | kCopied | 2); }},
    {"reserved bits in the L2 table", "Corrupt",
     [](auto& i) { i.map(1, (BuiltImage::kData + kCluster) | kCopied | 4); }},
    {"garbage for a deflate stream", "Corrupt",
     [](auto& i) { i.pack(Bytes(1000, std::byte{0xff})); }},
    {"a cluster that inflates to 8 MiB", "Corrupt", [](auto& i) { i.pack(deflated(8 << 20)); }},
    {"a cluster that inflates to 100 bytes", "Corrupt", [](auto& i) { i.pack(deflated(100)); }},
    {"a compressed cluster beyond the end", "Truncated",
     [](auto& i) { i.map(8, BuiltImage::kCompressed | (1 << 30)); }},
    {"a compressed cluster cut short", "Truncated",
     [](auto& i) {
       Bytes noise = pattern(kCluster, 5);
       Bytes payload(kCluster * 2);
       const auto length = Deflater(1).deflate(noise, payload);
       i.pack(std::span(payload).first(*length));
       i.bytes.resize(BuiltImage::kPacked + 20000);
     }},
    {"8192 entries of one compressed cluster", "Corrupt",
     [](auto& i) {
       i.put64(24, 512 << 20);
       for (std::uint64_t n = 10; n < 8192; ++n) {
         i.map(n, load_be<std::uint64_t>(i.bytes, BuiltImage::kL2 + 8 * 8));
       }
     }},
    {"LUKS without its header", "Corrupt", [](auto& i) { i.put32(32, 2); }},
    {"LUKS", "Encrypted",
     [](auto& i) {
       i.put32(32, 2);
       i.extend(0x0537be77, std::string(16, '\0'));
     }},
    {"AES", "Encrypted", [](auto& i) { i.put32(32, 1); }},
    {"encryption method 99", "UnsupportedFeature", [](auto& i) { i.put32(32, 99); }},
    {"extended L2 entries in clusters of 8 KiB", "BadHeader",
     [](auto& i) {
       i.put32(20, 13);
       i.put8(79, 0x10);
     }},
    {"compression type 255", "UnsupportedFeature",
     [](auto& i) {
       i.put8(79, 8);
       i.put8(104, 255);
     }},
    {"a compression type without its feature bit", "BadHeader", [](auto& i) { i.put8(104, 1); }},
    {"a zstd window of 2 GiB", "Limit",
     [](auto& i) {
       i.put8(79, 8);
       i.put8(104, 1);
       // A frame whose window descriptor says 2^31, with one block that repeats a byte.
       const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x03, 0x00, 0x08, 0x07};
       i.pack(std::as_bytes(std::span(frame)));
     }},
    {"a data file without a name", "BadHeader", [](auto& i) { i.put8(79, 4); }},
    {"a file cut in half", "Truncated",
     [](auto& i) { i.bytes.resize(BuiltImage::kData + 2 * kCluster); }},
    {"a file cut inside a cluster", "Truncated",
     [](auto& i) { i.bytes.resize(BuiltImage::kData + 3 * kCluster + 100); }},
};

}  // namespace

TEST_SUITE("qcow2 bad input") {
  TEST_CASE("the image that the others are made from is sound") {
    TemporaryFolder folder;
    CHECK(fate(folder.write("d", as_string(BuiltImage().bytes))) == "ok");
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    const auto check = run_command({"qemu-img", "check", folder / "d"});
    CHECK_MESSAGE(check.status == 0, check.output);
  }

  TEST_CASE("each damaged field is its named error, at once and in little memory") {
    TemporaryFolder folder;
    for (const BadInput& bad : kBadInputs) {
      INFO(bad.what);
      BuiltImage image;
      bad.spoil(image);
      CHECK(fate(folder.write("d", as_string(image.bytes))) == bad.expected);
    }
    CHECK(folder.names() == std::vector<std::string>{"d"});
  }

  TEST_CASE("a corrupt or dirty image says so when it is opened all the same") {
    TemporaryFolder folder;
    BuiltImage image;
    image.put8(79, 3);
    OpenOptions options = with(Policy::deny);
    options.allow_corrupt = true;
    const auto info =
        must(must(open_disk(folder.write("d", as_string(image.bytes)), options))->info());
    CHECK(info.corrupt);
    CHECK(info.dirty);
    options.writable = true;
    CHECK(outcome(open_disk(folder / "d", options)) == "Corrupt");
  }

  TEST_CASE("512 GiB out of 12 MiB are found out at once") {
    constexpr std::uint64_t kLarge = 2 << 20;
    BuiltImage image;
    image.bytes.assign(6 * kLarge, std::byte{0});
    BuiltImage header;
    std::copy_n(header.bytes.begin(), 112, image.bytes.begin());
    image.put32(20, 21);
    image.put64(24, std::uint64_t{512} << 30);
    image.put64(40, 3 * kLarge);
    image.put64(48, kLarge);
    image.put64(3 * kLarge, (4 * kLarge) | kCopied);
    for (std::uint64_t n = 0; n < kLarge / 8; ++n) {
      image.put64(4 * kLarge + n * 8, (5 * kLarge) | kCopied);
    }
    TemporaryFolder folder;
    CHECK(fate(folder.write("d", as_string(image.bytes))) == "Corrupt");
  }

  TEST_CASE("references lead nowhere unless the policy says so") {
    TemporaryFolder outside;
    const std::string secret = outside.write("secret", std::string(1 << 20, 'x'));
    TemporaryFolder folder;
    const auto named = [&](std::string_view name, std::string_view format = "raw") {
      BuiltImage image;
      image.backing(name, format);
      return folder.write("d", as_string(image.bytes));
    };
    ::mkfifo((folder / "fifo").c_str(), 0600);
    std::filesystem::create_symlink(secret, folder / "link");
    folder.write("beside", std::string(1 << 20, 'y'));
    const std::string up =
        "../" + std::filesystem::path(secret).parent_path().filename().string() + "/secret";
    for (const std::string& name :
         {secret, up, std::string("json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}"),
          std::string("nbd://127.0.0.1:1"), std::string("fifo"), std::string("link"),
          std::string("two\nlines"), std::string("nul\0byte", 8)}) {
      INFO(name);
      CHECK(fate(named(name)) == "ReferenceDenied");
      const std::string beside = fate(named(name), with(Policy::same_directory));
      CHECK(beside == "ReferenceDenied");
    }
    CHECK(fate(named("beside")) == "ReferenceDenied");
    CHECK(fate(named("beside"), with(Policy::same_directory)) == "ok");
    CHECK(fate(named("absent"), with(Policy::same_directory)) == "MissingExtent");
    CHECK(fate(named(secret), with(Policy::any)) == "ok");
    CHECK(fate(named("beside", ""), with(Policy::same_directory)) == "UnsafeProbe");
    // What needs no parent can be told without it.
    const auto denied = must(open_disk(named(secret), with(Policy::by_format)));
    const auto info = must(denied->info());
    CHECK(info.backing_file == secret);
    CHECK_FALSE(info.warnings.empty());
    std::vector<std::byte> sector(512);
    CHECK(outcome(denied->read(0, sector)) == "ok");

    for (const std::string& name : {secret, std::string("json:{}")}) {
      BuiltImage image;
      image.put8(79, 4);
      image.extend(0x44415441, name);
      folder.write("d", as_string(image.bytes));
      CHECK(fate(folder / "d") == "ReferenceDenied");
      CHECK(fate(folder / "d", with(Policy::same_directory)) == "ReferenceDenied");
    }
  }

  TEST_CASE("chains end") {
    TemporaryFolder folder;
    const auto write = [&](const std::string& name, const std::string& backing) {
      BuiltImage image;
      image.backing(backing);
      folder.write(name, as_string(image.bytes));
    };
    write("self", "self");
    write("a", "b");
    write("b", "a");
    for (int n = 0; n < 1200; ++n) write("c" + std::to_string(n), "c" + std::to_string(n + 1));
    CHECK(fate(folder / "self", with(Policy::same_directory)) == "ChainLoop");
    CHECK(fate(folder / "a", with(Policy::same_directory)) == "ChainLoop");
    CHECK(fate(folder / "c0", with(Policy::same_directory)) == "Limit");
  }

  TEST_CASE("damaged bitmaps and snapshots do not keep the disk from being read") {
    TemporaryFolder folder;
    BuiltImage image;
    image.put8(95, 1);  // autoclear: bitmaps
    std::string extension(24, '\0');
    std::fill_n(extension.begin(), 4, '\xff');
    image.extend(0x23852875, extension);
    const std::string path = folder.write("d", as_string(image.bytes));
    CHECK(fate(path) == "ok");
    const auto info = must(must(open_disk(path))->info());
    CHECK(info.bitmaps.empty());
    CHECK(info.warnings.size() == 1);

    BuiltImage snapshots;
    const std::uint64_t table = snapshots.bytes.size();
    snapshots.bytes.resize(table + kCluster);
    snapshots.put32(60, 1);
    snapshots.put64(64, table);
    snapshots.put64(table, 1 << 20);
    snapshots.put32(table + 8, 1 << 28);
    store_be<std::uint16_t>(snapshots.bytes, table + 12, 1);
    snapshots.put8(table + 40, '1');
    folder.write("d", as_string(snapshots.bytes));
    CHECK(fate(path) == "ok");
    OpenOptions options = with(Policy::deny);
    options.snapshot = "1";
    CHECK(fate(path, options) == "Corrupt");
  }

  TEST_CASE("cut anywhere, an image gives the same bytes or a named error") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    for (const char* options : {"cluster_size=4k", "cluster_size=64k,extended_l2=on",
                                "compat=0.10,cluster_size=16k", "compression_type=zstd"}) {
      CAPTURE(options);
      const std::string path = folder / "d";
      must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "1M"});
      must_run({"qemu-io", "-c", "write -P 1 0 300k", "-c", "write -c -P 2 512k 64k", "-c",
                "write -z 700k 64k", "-c", "write -P 3 900k 100k", path});
      const auto whole = file_bytes(path);
      std::vector<std::byte> expected;
      REQUIRE(fate_of_bytes(whole, &expected) == "ok");
      for (std::size_t cut = 0; cut < whole.size(); cut += 4096) {
        CAPTURE(cut);
        std::vector<std::byte> content;
        const std::string result = fate_of_bytes(std::span(whole).first(cut), &content);
        const bool named = result == "Truncated" || (cut == 0 && result == "BadMagic");
        CHECK((result == "ok" ? content == expected : named));
      }
    }
  }

  TEST_CASE("any bit of the tables may be wrong") {
    const BuiltImage sound;
    const auto start = Clock::now();
    for (const Extent& range : {Extent{0, 128}, Extent{kCluster, 8}, Extent{BuiltImage::kL1, 8},
                                Extent{BuiltImage::kL2, 80}}) {
      for (std::uint64_t bit = range.offset * 8; bit < range.end() * 8; ++bit) {
        CAPTURE(bit);
        BuiltImage image = sound;
        image.bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        const std::string result = fate_of_bytes(image.bytes);
        CHECK(result != "Internal");
        CHECK(result != "Io");
      }
    }
    MESSAGE("took " << std::chrono::duration<double>(Clock::now() - start).count() << " s");
  }
}
