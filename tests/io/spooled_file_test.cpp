#include "io/spooled_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include "base/bytes.hpp"
#include "io/concatenated_file.hpp"
#include "io/memory_file.hpp"
#include "support/compress.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/tar_builder.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::shared_ptr<File> spooled(std::string_view packed, const Limits& limits = {}) {
  auto file = std::make_shared<MemoryFile>("disk.gz", as_bytes(packed));
  return must(SpooledFile::create(file, Wrapping::gzip, limits));
}

std::string read_at(const File& file, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  must(file.read(offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

std::string read_all(const Disk& disk) {
  std::string bytes(disk.size(), '\0');
  must(disk.read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("a compressed file is read anywhere, in any order, by several threads") {
    const std::string plain = some_bytes(3 << 20, 1) + std::string(2 << 20, '\0') + "the end";
    const auto file = spooled(gzip_of(plain));
    CHECK(read_at(*file, 100, 50) == plain.substr(100, 50));
    CHECK_FALSE(file->host(0));  // not all of it is there
    std::vector<std::jthread> readers;
    std::atomic<int> wrong = 0;
    for (unsigned reader = 0; reader < 4; ++reader) {
      readers.emplace_back([&, reader] {
        std::mt19937 random(reader);
        for (int round = 0; round < 50; ++round) {
          const std::size_t at = random() % plain.size();
          std::string bytes(std::min<std::size_t>(10000, plain.size() - at), '\0');
          const auto read = file->read(at, std::as_writable_bytes(std::span(bytes)));
          if (!read || bytes != plain.substr(at, bytes.size())) ++wrong;
        }
      });
    }
    readers.clear();
    CHECK(wrong == 0);
    CHECK(must(file->size()) == plain.size());
    CHECK(file->host(0));
    CHECK(must(file->run(3 << 20, 2 << 20)).hole);
    std::string beyond(2, ' ');
    CHECK(outcome(file->read(plain.size() - 1, std::as_writable_bytes(std::span(beyond)))) ==
          "Truncated");
  }

  TEST_CASE("what comes before the damage is read, the rest is the error, every time") {
    const std::string plain = some_bytes(4 << 20, 2);
    const std::string packed = gzip_of(plain);
    const auto file = spooled(packed.substr(0, packed.size() / 2));
    CHECK(read_at(*file, 0, 4096) == plain.substr(0, 4096));
    for (int round = 0; round < 2; ++round) {
      const auto size = file->size();
      REQUIRE(outcome(size) == "Truncated");
      CHECK(size.error().path() == "disk.gz");
      CHECK(size.error().offset() == packed.size() / 2);
    }
    CHECK(read_at(*file, 0, 4096) == plain.substr(0, 4096));
  }

  TEST_CASE("a file that expands beyond the limit is Limit") {
    Limits limits;
    limits.expanded = 10 << 20;
    const std::string bomb = gzip_of(std::string(64 << 20, '\0'));
    CHECK(outcome(spooled(bomb, limits)->size()) == "Limit");
    limits.expanded = 64 << 20;
    const auto file = spooled(bomb, limits);
    CHECK(must(file->size()) == 64 << 20);
    CHECK(must(file->run(0, 64 << 20)).hole);  // and takes no room
  }

  TEST_CASE("no room for the expanded bytes is said with its place") {
    ::setenv("TMPDIR", "/no/such/folder", 1);
    const auto made =
        SpooledFile::create(std::make_shared<MemoryFile>("x", as_bytes("x")), Wrapping::gzip, {});
    ::unsetenv("TMPDIR");
    REQUIRE(outcome(made) == "NotFound");
    CHECK(made.error().path() == "/no/such/folder");
  }

  TEST_CASE("disks named .gz, .xz and .zst are opened as what they expand to") {
    TemporaryFolder folder;
    const std::string plain = some_bytes(100 << 10, 3);
    const std::string paths[] = {folder.write("d.raw.gz", gzip_of(plain)),
                                 folder.write("d.raw.xz", xz_of(plain)),
                                 folder.write("d.raw.ZST", zstd_of(plain))};
    for (const std::string& path : paths) {
      CAPTURE(path);
      CHECK(read_all(*must(open_disk(path, {.format = "raw"}))) == plain);
      CHECK(outcome(open_disk(path, {.format = "raw", .writable = true})) == "Permission");
      CHECK(outcome(open_disk(path)) == "UnsafeProbe");  // raw is stated, compressed or not
    }
    CHECK(folder.names().size() == 3);
  }

  TEST_CASE("progress counts the packed bytes while a disk is expanded, then the disk's own") {
    TemporaryFolder folder;
    const std::string plain = some_bytes(12 << 20, 7);
    for (const auto& [name, packed] :
         {std::pair{"d.raw.gz", gzip_of(plain)}, std::pair{"d.raw.xz", xz_of(plain)},
          std::pair{"d.raw.zst", zstd_of(plain)}}) {
      CAPTURE(name);
      std::vector<Progress> seen;
      ConvertRequest request{.source = folder.write(name, packed),
                             .source_options = {.format = "raw"},
                             .target = folder / (std::string(name) + ".out"),
                             .target_format = "raw"};
      request.copy.progress = [&](const Progress& step) { seen.push_back(step); };
      must(convert(request));
      const auto copying =
          std::ranges::find(seen, plain.size(), [](const Progress& step) { return step.total; });
      REQUIRE(copying != seen.end());
      const std::span expanding(seen.begin(), copying);
      REQUIRE(expanding.size() > 10);
      CHECK(std::ranges::is_sorted(expanding, {}, &Progress::done));
      for (const Progress& step : expanding) CHECK(step.total == packed.size());
      CHECK(expanding.back().done == packed.size());
      CHECK(std::ranges::is_sorted(std::span(copying, seen.end()), {}, &Progress::done));
      CHECK(seen.back().done == plain.size());
    }
  }

  TEST_CASE("a raw disk whose guest wrote a gzip header is read as it is") {
    TemporaryFolder folder;
    const std::string packed = gzip_of(some_bytes(100 << 10, 4));
    const std::string path = folder.write("disk.raw", packed);
    CHECK(read_all(*must(open_disk(path, {.format = "raw"}))) == packed);
  }

  TEST_CASE("a name that says gzip over bytes that do not is BadMagic") {
    TemporaryFolder folder;
    CHECK(outcome(open_disk(folder.write("d.gz", "plain"), {.format = "raw"})) == "BadMagic");
    CHECK(outcome(open_disk(folder.write("e.gz", xz_of("x")), {.format = "raw"})) == "BadMagic");
  }

  TEST_CASE("members of compressed archives, and compressed members") {
    TemporaryFolder folder;
    const std::string plain = some_bytes(50 << 10, 5);
    const std::string tar =
        TarBuilder().file("plain.raw", plain).file("packed.raw.gz", gzip_of(plain)).finish();
    for (const std::string& path :
         {folder.write("a.ova", tar), folder.write("b.ova.xz", xz_of(tar)),
          folder.write("c.ova", zstd_of(tar))}) {
      CAPTURE(path);
      CHECK(read_all(*must(open_disk(path + "!plain.raw", {.format = "raw"}))) == plain);
      CHECK(read_all(*must(open_disk(path + "!packed.raw.gz", {.format = "raw"}))) == plain);
    }
  }

  TEST_CASE("parts one behind the other are one file") {
    const std::string whole = some_bytes(10000, 6);
    std::vector<std::shared_ptr<File>> parts;
    for (const auto& [begin, end] :
         {std::pair{0, 3000}, {3000, 3000}, {3000, 3001}, {3001, 10000}}) {
      parts.push_back(std::make_shared<MemoryFile>(
          "part", as_bytes(std::string_view(whole).substr(begin, end - begin))));
    }
    const auto file = must(ConcatenatedFile::create(parts, "whole"));
    CHECK(must(file->size()) == whole.size());
    CHECK(read_at(*file, 0, whole.size()) == whole);
    CHECK(read_at(*file, 2999, 3) == whole.substr(2999, 3));
    std::string beyond(10, '\0');
    CHECK(must(file->read_some(9995, std::as_writable_bytes(std::span(beyond)))) == 5);
  }
}
