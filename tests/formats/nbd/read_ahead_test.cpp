// A server's disk read ahead: several pieces under way, each visited once, whatever happens to the
// connection, the visitor or the server.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

#include "servers.hpp"
#include "support/scripted_nbd_server.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kPiece = 64 << 10;

/// What was visited of a range, and that no byte of it was visited twice.
struct Collected {
  explicit Collected(Extent wanted) : range(wanted), bytes(wanted.length) {}

  BytesVisitor visitor(std::uint64_t piece) {
    return [this, piece](std::uint64_t offset, std::span<const std::byte> got) -> Result<void> {
      const Extent part{offset, got.size()};
      REQUIRE_FALSE(part.empty());
      REQUIRE_FALSE(visited.overlaps(part));
      REQUIRE(offset / piece == (part.end() - 1) / piece);
      REQUIRE(offset >= range.offset);
      REQUIRE(part.end() <= range.end());
      std::ranges::copy(got, bytes.begin() + static_cast<std::ptrdiff_t>(offset - range.offset));
      visited.add(part);
      return {};
    };
  }

  Extent range;
  Content bytes;
  ExtentSet visited;
};

/// Gives the range in runs of `step` bytes.
NextRange runs_of(Extent range, std::uint64_t step) {
  return [rest = range, step]() mutable -> Result<std::optional<Extent>> {
    if (rest.empty()) return std::nullopt;
    const Extent run{rest.offset, std::min(step, rest.length)};
    rest = {run.end(), rest.length - run.length};
    return run;
  };
}

/// All of `range`, which comes in runs of `step` bytes, into room for `ahead` pieces.
Result<Content> in_pieces(const Disk& disk, Extent range, std::size_t ahead = 4,
                          std::uint64_t piece = kPiece, std::uint64_t step = 150000) {
  Collected collected(range);
  Content room(piece * ahead);
  auto read = disk.read_ahead(runs_of(range, step), piece, room, collected.visitor(piece));
  if (!read) return std::unexpected(std::move(read).error());
  if (!range.empty()) REQUIRE(collected.visited == ExtentSet{range});
  return std::move(collected.bytes);
}

/// From the log of a server: how many reads were asked for and not answered at one time.
int most_reads_at_once(const std::string& log) {
  std::ifstream file(log);
  int asked = 0;
  int most = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.find(" Read id=") != std::string::npos) ++asked;
    if (line.find("...Read id=") != std::string::npos) --asked;
    most = std::max(most, asked);
  }
  return most;
}

Content part_of(const Content& content, Extent range) {
  const auto begin = content.begin() + static_cast<std::ptrdiff_t>(range.offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(range.length)};
}

}  // namespace

TEST_SUITE("nbd: reading ahead") {
  TEST_CASE("every byte of a range is visited once, whatever the server's blocks") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = pattern((3 << 20) + (12 << 10), 51);
    write_file(folder / "disk", content);
    std::vector<std::string> arguments = {"file", folder / "disk"};
    SUBCASE("bytes") {}
    SUBCASE("blocks of 4 KiB at least") {
      arguments = {"--filter=blocksize-policy", "file", folder / "disk", "blocksize-minimum=4096",
                   "blocksize-error-policy=error"};
    }
    SUBCASE("requests of 16 KiB at most") {
      arguments = {"--filter=blocksize-policy",
                   "file",
                   folder / "disk",
                   "blocksize-minimum=512",
                   "blocksize-preferred=4096",
                   "blocksize-maximum=16384",
                   "blocksize-error-policy=error"};
    }
    SUBCASE("one connection") {
      arguments = {"--filter=multi-conn", "file", folder / "disk", "multi-conn-mode=disable"};
    }
    const Nbdkit server(folder, arguments);
    const auto disk = must(open_disk(server.uri));
    REQUIRE(disk->capabilities().read_ahead);
    CHECK(must(in_pieces(*disk, {0, content.size()})) == content);
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20; ++round) {
      const std::uint64_t offset = random() % content.size();
      const Extent range{offset, random() % (content.size() - offset + 1)};
      CAPTURE(range.offset);
      CAPTURE(range.length);
      CHECK(must(in_pieces(*disk, range, 1 + random() % 6, kPiece << random() % 3,
                           1 + random() % 500000)) == part_of(content, range));
    }
  }

  TEST_CASE(
      "where answers take long, the next pieces are asked for before, be they of other ranges") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    // Data in every second MiB, as guests leave it.
    Content content(std::size_t{96} << 20);
    for (std::size_t at = 0; at < content.size(); at += 2 << 20) {
      fill_pattern(std::span(content).subspan(at, 1 << 20), at + 58);
    }
    {
      auto sparse = must(create_disk(folder / "disk", "raw", {.size = content.size()}));
      for (std::size_t at = 0; at < content.size(); at += 2 << 20) {
        must(sparse->write(at, std::span(content).subspan(at, 1 << 20)));
      }
      must(sparse->commit());
    }
    int expected = 4;
    {
      const Nbdkit server(folder, {"--filter=log", "--filter=delay", "file", folder / "disk",
                                   "delay-read=100ms", "logfile=" + (folder / "log")});
      SUBCASE("by one thread, into room for four") {
        const auto disk = must(open_disk(server.uri));
        CHECK(must(in_pieces(*disk, {2 << 20, 1 << 20}, 4, kPiece, 50000)) ==
              part_of(content, {2 << 20, 1 << 20}));
      }
      SUBCASE("by a copy") {
        expected = 12;
        must(convert({.source = server.uri, .target = folder / "copy", .target_format = "raw"}));
        CHECK(read_file(folder / "copy") == content);
      }
    }
    CHECK(most_reads_at_once(folder / "log") >= expected);
  }

  TEST_CASE("connections may be lost as long as each brings something, and no byte comes twice") {
    TemporaryFolder folder;
    NbdScript script{.content = pattern(2 << 20, 52)};
    script.requests_until_cut = 3;
    script.cuts = 8;
    script.cut_inside = true;
    const ScriptedNbdServer server(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s")));
    CHECK(must(in_pieces(*disk, {0, disk->size()})) == script.content);
    CHECK(server.connections() == 9);
  }

  TEST_CASE("a server that is gone is Io, after it was looked for again") {
    TemporaryFolder folder;
    const NbdScript script{.content = pattern(1 << 20, 57)};
    auto server = std::make_unique<ScriptedNbdServer>(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s")));
    server.reset();
    CHECK(outcome(in_pieces(*disk, {0, disk->size()})) == "Io");
  }

  TEST_CASE("the visitor's own error ends it and is the result; the disk can be read on") {
    TemporaryFolder folder;
    const NbdScript script{.content = pattern(2 << 20, 53)};
    const ScriptedNbdServer server(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s")));
    Content room(kPiece * 4);
    int visits = 0;
    const auto ended = [&](bool by_exception) {
      visits = 0;
      return disk->read_ahead(
          runs_of({0, 2 << 20}, kPiece), kPiece, room,
          [&](std::uint64_t, std::span<const std::byte>) -> Result<void> {
            if (++visits < 3) return {};
            if (by_exception) throw std::runtime_error("the visitor's");
            return std::unexpected(Error(ErrorCode::NoSpace, "the target is full"));
          });
    };
    CHECK(outcome(ended(false)) == "NoSpace");
    CHECK(visits == 3);
    CHECK_THROWS_AS((void)ended(true), std::runtime_error);
    CHECK(visits == 3);
    // No answer is left over that could come into a buffer which is no more.
    const Content before = room;
    CHECK(must(in_pieces(*disk, {0, disk->size()})) == script.content);
    CHECK(room == before);
    CHECK(server.connections() == 1);
  }

  TEST_CASE("a server's read error says where, and a server that falls silent is Timeout") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    std::string trouble;
    std::string expected;
    std::uint64_t patience = 20;
    SUBCASE("EIO") {
      trouble = "echo EIO gone >&2; exit 1";
      expected = "Io";
    }
    SUBCASE("silence") {
      trouble = "exec sleep 5";
      expected = "Timeout";
      // Each read before it takes three programs; they have to be started in that time.
      patience = 3;
    }
    const Nbdkit server(folder, {"eval", "get_size=echo 4M",
                                 "pread=if [ $4 -ge 1048576 ]; then " + trouble +
                                     "; fi; head -c $3 /dev/zero | tr '\\0' 'x'"});
    const auto disk = must(open_disk(server.uri, patient_for(patience)));
    const auto read = in_pieces(*disk, {0, disk->size()});
    REQUIRE(outcome(read) == expected);
    CHECK(read.error().offset().value_or(0) >= 1048576);
  }

  TEST_CASE("a visitor that takes its time is no silence of the server's") {
    TemporaryFolder folder;
    const NbdScript script{.content = pattern(512 << 10, 54)};
    const ScriptedNbdServer server(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s"), patient_for(2)));
    Content room(kPiece * 2);
    bool first = true;
    CHECK(outcome(disk->read_ahead(runs_of({0, disk->size()}, kPiece), kPiece, room,
                                   [&](std::uint64_t, std::span<const std::byte>) -> Result<void> {
                                     if (std::exchange(first, false)) {
                                       std::this_thread::sleep_for(std::chrono::milliseconds(2500));
                                     }
                                     return {};
                                   })) == "ok");
  }

  TEST_CASE("threads that share one connection each get what they asked for") {
    TemporaryFolder folder;
    const NbdScript script{.content = pattern(4 << 20, 55)};
    const ScriptedNbdServer server(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s")));
    std::vector<Result<Content>> got(4);
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < got.size(); ++i) {
        threads.emplace_back([&, i] {
          const Extent range{i << 20, 1 << 20};
          if (i % 2 == 0) {
            got[i] = in_pieces(*disk, range);
            return;
          }
          Content content(range.length);
          if (auto read = disk->read(range.offset, content); !read) {
            got[i] = std::unexpected(std::move(read).error());
          } else {
            got[i] = std::move(content);
          }
        });
      }
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(must(got[i]) == part_of(script.content, {i << 20, 1 << 20}));
    }
    CHECK(server.connections() == 1);
  }

  TEST_CASE("a copy reads ahead, and arrives whole over a server that drops its clients") {
    TemporaryFolder folder;
    NbdScript script{.content = pattern((20 << 20) + 512, 56)};
    script.requests_until_cut = 5;
    script.cuts = 3;
    const ScriptedNbdServer server(folder / "s", script);
    std::vector<std::uint64_t> seen;
    const CopyReport report = must(
        convert({.source = nbd_uri(folder / "s"),
                 .target = folder / "copy",
                 .target_format = "raw",
                 .copy = {.progress = [&](const Progress& now) { seen.push_back(now.done); }}}));
    CHECK(read_file(folder / "copy") == script.content);
    CHECK(report.data_bytes == script.content.size());
    REQUIRE_FALSE(seen.empty());
    CHECK(std::ranges::is_sorted(seen));
    CHECK(seen.back() == script.content.size());
  }
}
