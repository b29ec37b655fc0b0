#include "vmlift/copy.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/fail.hpp"
#include "codec/digest.hpp"
#include "io/memory_file.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;

namespace {

std::unique_ptr<Disk> raw_in_memory(std::uint64_t size, const ExtentSet& data, unsigned seed) {
  auto file = std::make_shared<MemoryFile>("source");
  for (const Extent& extent : data) {
    (void)file->write(extent.offset, pattern(extent.length, seed + extent.offset));
  }
  (void)file->resize(size);
  return *open_disk(file, {.format = "raw"});
}

std::unique_ptr<Disk> raw_target(const std::string& path, std::uint64_t size) {
  return *create_disk(path, "raw", {.size = size});
}

}  // namespace

TEST_SUITE("copying") {
  TEST_CASE("data arrives, holes stay holes") {
    TemporaryFolder folder;
    const std::uint64_t size = (64 << 20) + 1000;
    const auto source = raw_in_memory(size, {{0, 5000}, {20 << 20, 3 << 20}, {64 << 20, 1000}}, 7);
    const auto target = raw_target(folder / "t", size);
    const auto report = copy_disk(*source, *target, {.verify = true});
    REQUIRE(report.has_value());
    CHECK(report->verified);
    CHECK(report->data_bytes + report->zero_bytes == size);
    const auto written = open_disk(folder / "t", {.format = "raw"});
    REQUIRE(written.has_value());
    CHECK((*written)->size() == size);
    const auto difference = compare_disks(*source, **written);
    REQUIRE(difference.has_value());
    CHECK_FALSE(difference->has_value());
    struct stat status{};
    ::stat((folder / "t").c_str(), &status);
    CHECK(status.st_blocks * 512 < (4 << 20));
  }

  TEST_CASE("over what a larger disk held, the rest of it reads as zeros") {
    const std::uint64_t size = (2 << 20) + 512;
    const auto source = raw_in_memory(size, {{1 << 20, 5000}}, 8);
    auto file = std::make_shared<MemoryFile>("used");
    REQUIRE(file->write(0, std::vector<std::byte>(8 << 20, std::byte{'S'})).has_value());
    OpenOptions options{.format = "raw"};
    options.writable = true;
    const auto target = *open_disk(file, options);
    REQUIRE(copy_disk(*source, *target, {.verify = false}).has_value());
    const auto difference = compare_disks(*source, **open_disk(file, {.format = "raw"}), {}, true);
    REQUIRE(difference.has_value());
    CHECK_FALSE(difference->has_value());
  }

  TEST_CASE("a target smaller than the source is NoSpace before a byte of it is written") {
    const auto source = raw_in_memory(2 << 20, {{0, 2 << 20}}, 8);
    const std::vector<std::byte> held(1 << 20, std::byte{'S'});
    auto file = std::make_shared<MemoryFile>("small", held);
    OpenOptions options{.format = "raw"};
    options.writable = true;
    const auto target = *open_disk(file, options);
    const auto copied = copy_disk(*source, *target);
    REQUIRE_FALSE(copied.has_value());
    CHECK(copied.error().code() == ErrorCode::NoSpace);
    std::vector<std::byte> holds(held.size());
    REQUIRE(file->read(0, holds).has_value());
    CHECK(holds == held);
  }

  TEST_CASE("disks of 0, 1 and 512 bytes keep their size") {
    for (const std::uint64_t size : {0ull, 1ull, 512ull}) {
      TemporaryFolder folder;
      const auto source = raw_in_memory(size, {{0, size}}, 9);
      const auto target = raw_target(folder / "t", size);
      REQUIRE(copy_disk(*source, *target).has_value());
      CHECK((*open_disk(folder / "t", {.format = "raw"}))->size() == size);
    }
  }

  TEST_CASE("the digest of a copy is that of the disk and of its plain bytes") {
    TemporaryFolder folder;
    const std::uint64_t size = (8 << 20) + 77;
    const auto source = raw_in_memory(size, {{3 << 20, 100000}, {8 << 20, 77}}, 11);
    const auto target = raw_target(folder / "t", size);
    const auto report = copy_disk(*source, *target, {.digest = true});
    REQUIRE(report.has_value());
    std::vector<std::byte> bytes(size);
    REQUIRE(source->read(0, bytes).has_value());
    Digest digest(DigestAlgorithm::sha256);
    digest.update(bytes);
    const std::string expected = *digest.finish();
    CHECK(report->sha256 == expected);
    CHECK(digest_disk(*source).value() == expected);
  }

  TEST_CASE("a comparison finds the first difference of many") {
    const std::uint64_t size = 32 << 20;
    const auto a = raw_in_memory(size, {{0, size}}, 13);
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    auto file = std::make_shared<MemoryFile>("b");
    std::vector<std::byte> bytes(size);
    REQUIRE(a->read(0, bytes).has_value());
    std::uint64_t first = size;
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t at = random() % size;
      bytes[at] ^= std::byte{1};
      first = std::min(first, at);
    }
    (void)file->write(0, bytes);
    const auto b = *open_disk(file, {.format = "raw"});
    CHECK(compare_disks(*a, *b).value() == first);
  }

  TEST_CASE(
      "disks of different size differ where the shorter ends, or not at all if zeros follow") {
    const auto a = raw_in_memory(1 << 20, {{0, 100}}, 15);
    const auto b = raw_in_memory(2 << 20, {{0, 100}}, 15);
    CHECK(compare_disks(*a, *b).value() == (1 << 20));
    CHECK_FALSE(compare_disks(*a, *b, {}, true).value().has_value());
  }

  TEST_CASE("a cancelled copy is Cancelled and leaves nothing") {
    TemporaryFolder folder;
    const std::uint64_t size = 256 << 20;
    const auto source = raw_in_memory(size, {{0, 64 << 20}}, 17);
    std::stop_source stop;
    stop.request_stop();
    {
      const auto target = raw_target(folder / "t", size);
      const auto report = copy_disk(*source, *target, {.stop = stop.get_token()});
      REQUIRE_FALSE(report.has_value());
      CHECK(report.error().code() == ErrorCode::Cancelled);
    }
    CHECK(folder.names().empty());
  }

  TEST_CASE("an objection before the commit leaves nothing") {
    TemporaryFolder folder;
    const auto source = raw_in_memory(4096, {{0, 4096}}, 19);
    {
      const auto target = raw_target(folder / "t", 4096);
      CopyOptions options;
      options.before_commit = []() -> Result<void> {
        return fail(ErrorCode::ChecksumMismatch, "the manifest disagrees");
      };
      const auto report = copy_disk(*source, *target, options);
      REQUIRE_FALSE(report.has_value());
      CHECK(report.error().code() == ErrorCode::ChecksumMismatch);
    }
    CHECK(folder.names().empty());
  }

  TEST_CASE("a source that fails in the middle names its place and leaves no target") {
    class Broken : public MemoryFile {
     public:
      using MemoryFile::MemoryFile;
      Result<std::size_t> read_some(std::uint64_t offset,
                                    std::span<std::byte> buffer) const override {
        if (offset + buffer.size() > (5 << 20)) {
          return std::unexpected(error(ErrorCode::Io, "broken sector").at(5 << 20).in(path()));
        }
        return MemoryFile::read_some(offset, buffer);
      }
    };
    TemporaryFolder folder;
    const auto file = std::make_shared<Broken>("broken", pattern(16 << 20, 21));
    const auto source = *open_disk(file, {.format = "raw"});
    {
      const auto target = raw_target(folder / "t", 16 << 20);
      const auto report = copy_disk(*source, *target);
      REQUIRE_FALSE(report.has_value());
      CHECK(report.error().code() == ErrorCode::Io);
      CHECK(report.error().path() == "broken");
      CHECK(report.error().offset() == (5 << 20));
    }
    CHECK(folder.names().empty());
  }

  TEST_CASE("progress is told on the caller's thread and ends at the whole") {
    TemporaryFolder folder;
    const auto source = raw_in_memory(32 << 20, {{0, 32 << 20}}, 23);
    const auto target = raw_target(folder / "t", 32 << 20);
    const auto me = std::this_thread::get_id();
    Progress last;
    CopyOptions options;
    options.progress = [&](const Progress& progress) {
      CHECK(std::this_thread::get_id() == me);
      CHECK(progress.done >= last.done);
      last = progress;
    };
    REQUIRE(copy_disk(*source, *target, options).has_value());
    CHECK(last.done == (32 << 20));
    CHECK(last.total == (32 << 20));
  }

  TEST_CASE("random sparse disks arrive whole through one thread or many") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20; ++round) {
      TemporaryFolder folder;
      const std::uint64_t size = random() % (12 << 20);
      ExtentSet data;
      for (int i = 0; i < 8 && size > 0; ++i) {
        const std::uint64_t offset = random() % size;
        data.add(Extent{offset, std::min<std::uint64_t>(random() % (1 << 20), size - offset)});
      }
      const auto source = raw_in_memory(size, data, seed);
      const auto target = raw_target(folder / "t", size);
      CopyOptions options;
      options.threads = 1 + random() % 5;
      options.verify = true;
      options.digest = random() % 2 == 0;
      REQUIRE(copy_disk(*source, *target, options).has_value());
    }
  }
}
