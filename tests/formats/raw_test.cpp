#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "io/memory_file.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;

TEST_SUITE("raw") {
  TEST_CASE("a window is the part of the file it names") {
    const auto content = pattern(10000, 1);
    OpenOptions options{.format = "raw"};
    options.window = Extent{1000, 512};
    auto disk = open_disk(std::make_shared<MemoryFile>("m", content), options);
    REQUIRE(disk.has_value());
    CHECK((*disk)->size() == 512);
    std::vector<std::byte> bytes(512);
    REQUIRE((*disk)->read(0, bytes).has_value());
    CHECK(std::ranges::equal(bytes, std::span(content).subspan(1000, 512)));
    options.window = Extent{9999, 2};
    CHECK(open_disk(std::make_shared<MemoryFile>("m", content), options).error().code() ==
          ErrorCode::OutOfRange);
  }

  TEST_CASE("options make a window too, and only one that is there") {
    const auto content = pattern(10000, 1);
    const auto opened = [&](std::map<std::string, std::string> window) {
      return open_disk(std::make_shared<MemoryFile>("m", content),
                       {.format = "raw", .options = std::move(window)});
    };
    const auto size_of = [&](std::map<std::string, std::string> window) {
      return test::must(opened(std::move(window)))->size();
    };
    CHECK(size_of({{"offset", "1000"}}) == 9000);
    CHECK(size_of({{"size", "512"}}) == 512);
    const auto disk = test::must(opened({{"offset", "1000"}, {"size", "512"}}));
    std::vector<std::byte> bytes(512);
    test::must(disk->read(0, bytes));
    CHECK(std::ranges::equal(bytes, std::span(content).subspan(1000, 512)));
    CHECK(test::outcome(opened({{"offset", "9999"}, {"size", "2"}})) == "OutOfRange");
    CHECK(test::outcome(opened({{"offset", "10001"}})) == "OutOfRange");
    CHECK(test::outcome(opened({{"offset", "-1"}})) == "InvalidArgument");
    CHECK(test::outcome(opened({{"offset", "1k"}})) == "InvalidArgument");
    TemporaryFolder folder;
    CHECK(test::outcome(
              create_disk(folder / "d", "raw", {.size = 1, .options = {{"offset", "1"}}})) ==
          "InvalidArgument");
  }

  TEST_CASE("a raw disk whose guest wrote an image's header stays the bytes it is") {
    TemporaryFolder folder;
    {
      const auto image = test::must(create_disk(folder / "inner", "qcow2", {.size = 1 << 20}));
      test::must(image->commit());
    }
    const std::string bytes = folder.read("inner");
    const auto disk = test::must(open_disk(folder / "inner", {.format = "raw"}));
    std::string read(disk->size(), '\0');
    test::must(disk->read(0, std::as_writable_bytes(std::span(read))));
    CHECK(read == bytes);
    // Without a word about the format it is what it says, and raw is never guessed.
    CHECK(test::must(probe(folder / "inner")) == "qcow2");
    folder.write("unknown", "no header that anybody knows");
    CHECK(test::outcome(open_disk(folder / "unknown")) == "UnsafeProbe");
  }

  TEST_CASE("preallocation takes the room, off leaves it a hole") {
    for (const std::string how : {"off", "falloc", "full"}) {
      CAPTURE(how);
      TemporaryFolder folder;
      auto disk =
          create_disk(folder / "d", "raw", {.size = 4 << 20, .options = {{"preallocation", how}}});
      REQUIRE(disk.has_value());
      REQUIRE((*disk)->commit().has_value());
      struct stat status{};
      ::stat((folder / "d").c_str(), &status);
      CHECK(status.st_size == (4 << 20));
      CHECK((status.st_blocks * 512 >= (4 << 20)) == (how != "off"));
    }
  }

  TEST_CASE("an unknown preallocation and compression are refused, nothing is created") {
    TemporaryFolder folder;
    CHECK(create_disk(folder / "d", "raw", {.size = 1, .options = {{"preallocation", "lots"}}})
              .error()
              .code() == ErrorCode::InvalidArgument);
    CHECK(create_disk(folder / "d", "raw", {.size = 1, .compress = true}).error().code() ==
          ErrorCode::InvalidArgument);
    CHECK(folder.names().empty());
  }

  TEST_CASE("an existing image is written in place and keeps its size") {
    TemporaryFolder folder;
    std::ofstream(folder / "d", std::ios::binary) << std::string(1000, 'a');
    {
      auto disk = open_disk(folder / "d", {.format = "raw", .writable = true});
      REQUIRE(disk.has_value());
      REQUIRE((*disk)->write(10, pattern(10, 2)).has_value());
      REQUIRE((*disk)->zero({500, 100}).has_value());
      REQUIRE((*disk)->flush().has_value());
    }
    auto disk = open_disk(folder / "d", {.format = "raw"});
    std::vector<std::byte> bytes(1000);
    REQUIRE((*disk)->read(0, bytes).has_value());
    CHECK(bytes[9] == std::byte{'a'});
    CHECK(std::ranges::equal(std::span(bytes).subspan(10, 10), pattern(10, 2)));
    CHECK(bytes[550] == std::byte{0});
    CHECK((*disk)->size() == 1000);
  }
}
