#include <doctest/doctest.h>

#include <fstream>

#include "io/memory_file.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;

TEST_SUITE("the gate") {
  TEST_CASE("a range beyond the end is OutOfRange, whatever the numbers") {
    auto disk = open_disk(std::make_shared<MemoryFile>("m", pattern(1000, 1)), {.format = "raw"});
    REQUIRE(disk.has_value());
    std::vector<std::byte> buffer(10);
    for (const std::uint64_t offset : {991ull, 1000ull, ~0ull, ~0ull - 5}) {
      const auto got = (*disk)->read(offset, buffer);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code() == ErrorCode::OutOfRange);
    }
    CHECK((*disk)->read(990, buffer).has_value());
    CHECK((*disk)->size() == 1000);
  }

  TEST_CASE("ranges are read one after the other, in pieces that end at multiples") {
    const auto content = pattern(400000, 5);
    auto disk = open_disk(std::make_shared<MemoryFile>("m", content), {.format = "raw"});
    REQUIRE(disk.has_value());
    constexpr std::uint64_t kPiece = 64 << 10;
    std::vector<std::byte> room(kPiece);
    std::vector<std::byte> got(content.size());
    std::vector<std::uint64_t> offsets;
    std::vector<Extent> ranges;  // the last one first
    const auto next = [&]() -> Result<std::optional<Extent>> {
      if (ranges.empty()) return std::nullopt;
      const Extent range = ranges.back();
      ranges.pop_back();
      return range;
    };
    const auto take = [&](std::uint64_t offset, std::span<const std::byte> bytes) -> Result<void> {
      offsets.push_back(offset);
      std::ranges::copy(bytes, got.begin() + static_cast<std::ptrdiff_t>(offset));
      if (offset >= 5 * kPiece) return std::unexpected(Error(ErrorCode::NoSpace, "full"));
      return {};
    };
    ranges = {{250000, 10}, {1000, 200000}};
    REQUIRE((*disk)->read_ahead(next, kPiece, room, take).has_value());
    CHECK(offsets == std::vector<std::uint64_t>{1000, kPiece, 2 * kPiece, 3 * kPiece, 250000});
    CHECK(std::equal(content.begin() + 1000, content.begin() + 201000, got.begin() + 1000));
    CHECK(std::equal(content.begin() + 250000, content.begin() + 250010, got.begin() + 250000));

    const auto code = [&](Extent range, std::uint64_t piece) {
      offsets.clear();
      ranges = {{0, 1}, range};
      const auto read = (*disk)->read_ahead(next, piece, room, take);
      return read ? ErrorCode::Internal : read.error().code();
    };
    CHECK(code({300000, 100000}, kPiece) == ErrorCode::NoSpace);
    CHECK(offsets == std::vector<std::uint64_t>{300000, 5 * kPiece});
    CHECK(code({0, 1}, 0) == ErrorCode::InvalidArgument);
    CHECK(code({0, 1}, 3 << 16) == ErrorCode::InvalidArgument);
    CHECK(code({0, 1}, 4096) == ErrorCode::InvalidArgument);
    CHECK(code({0, 1}, kPiece * 2) == ErrorCode::InvalidArgument);
    CHECK(code({399999, 2}, kPiece) == ErrorCode::OutOfRange);
    CHECK(offsets.empty());
    ranges = {{400000, 0}};
    CHECK((*disk)->read_ahead(next, kPiece, room, take).has_value());
    CHECK(offsets.empty());
  }

  TEST_CASE("a disk opened for reading takes no writes") {
    auto disk = open_disk(std::make_shared<MemoryFile>("m", pattern(1000, 1)), {.format = "raw"});
    REQUIRE(disk.has_value());
    const auto wrote = (*disk)->write(0, pattern(10, 2));
    REQUIRE_FALSE(wrote.has_value());
    CHECK(wrote.error().code() == ErrorCode::Permission);
  }

  TEST_CASE("probing never answers raw") {
    const auto disk = open_disk(std::make_shared<MemoryFile>("m", pattern(5000, 3)));
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().code() == ErrorCode::UnsafeProbe);
  }

  TEST_CASE("an unknown format or option is an invalid argument that lists the known ones") {
    TemporaryFolder folder;
    const auto disk = create_disk(folder / "d", "vhdx", {.size = 4096});
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().code() == ErrorCode::InvalidArgument);
    CHECK(disk.error().message().find("raw") != std::string::npos);
    const auto option =
        create_disk(folder / "d", "raw", {.size = 4096, .options = {{"colour", "red"}}});
    REQUIRE_FALSE(option.has_value());
    CHECK(option.error().code() == ErrorCode::InvalidArgument);
    CHECK(folder.names().empty());
  }

  TEST_CASE("a completed target can be read before it has its name") {
    TemporaryFolder folder;
    auto disk = create_disk(folder / "d", "raw", {.size = 4096});
    REQUIRE(disk.has_value());
    const auto content = pattern(4096, 4);
    REQUIRE((*disk)->write(0, content).has_value());
    CHECK_FALSE((*disk)->reopen().has_value());
    REQUIRE((*disk)->complete().has_value());
    auto again = (*disk)->reopen();
    REQUIRE(again.has_value());
    std::vector<std::byte> buffer(4096);
    REQUIRE((*again)->read(0, buffer).has_value());
    CHECK(buffer == content);
    CHECK(folder.names().empty());
    CHECK_FALSE((*disk)->write(0, content).has_value());
    REQUIRE((*disk)->publish().has_value());
    CHECK(folder.names() == std::vector<std::string>{"d"});
  }

  TEST_CASE("every format of the table has what the table promises") {
    for (const Format* format : formats()) {
      CAPTURE(format->name);
      CHECK(find_format(format->name) == format);
      CHECK_FALSE(format->description.empty());
      CHECK((format->open != nullptr));
      bool creates = false;
      for (const Subformat& subformat : format->subformats) creates |= subformat.create;
      CHECK(creates == (format->create != nullptr));
    }
  }

  TEST_CASE("limits and references are stated by name") {
    Limits limits;
    CHECK(limits.set("virtual_size", 5).has_value());
    CHECK(limits.virtual_size == 5);
    CHECK(limits.set("io_timeout", 86400).has_value());
    for (const std::uint64_t seconds :
         {std::uint64_t{0}, std::uint64_t{86401}, ~std::uint64_t{0}}) {
      CHECK(limits.set("io_timeout", seconds).error().code() == ErrorCode::InvalidArgument);
    }
    CHECK(limits.io_timeout == 86400);
    limits.io_timeout = 0;
    CHECK(create_disk("nowhere/disk", "raw", {.size = 512, .limits = limits}).error().code() ==
          ErrorCode::InvalidArgument);
    OpenOptions options{.format = "raw"};
    options.limits = limits;
    CHECK(open_disk("/dev/null", options).error().code() == ErrorCode::InvalidArgument);
    CHECK(limits.set("size", 5).error().code() == ErrorCode::InvalidArgument);
    CHECK(OpenPolicy::parse("under=/vm")->directory == "/vm");
    CHECK(OpenPolicy::parse("deny")->references == OpenPolicy::References::deny);
    CHECK(OpenPolicy::parse("all").error().code() == ErrorCode::InvalidArgument);
  }
}
