// How many connections there are, and what becomes of the disk when one is lost.
#include <doctest/doctest.h>

#include <optional>
#include <set>

#include "servers.hpp"
#include "support/scripted_nbd_server.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kPiece = 64 << 10;

/// So many reads, each while the one before has not ended: each wants a connection of its own.
Result<void> read_within_one_another(const Disk& disk, int reads) {
  if (reads == 0) return {};
  Content room(kPiece);
  const auto next = [given = false]() mutable -> Result<std::optional<Extent>> {
    if (std::exchange(given, true)) return std::nullopt;
    return Extent{0, kPiece};
  };
  return disk.read_ahead(next, kPiece, room, [&](std::uint64_t, std::span<const std::byte>) {
    return read_within_one_another(disk, reads - 1);
  });
}

/// From nbdkit's log: how many connections something was read over.
std::size_t connections_read(const std::string& log) {
  std::ifstream file(log);
  std::set<std::string> connections;
  for (std::string line; std::getline(file, line);) {
    if (line.find(" Read id=") == std::string::npos) continue;
    const std::size_t start = line.find("connection=");
    REQUIRE(start != std::string::npos);
    connections.insert(line.substr(start, line.find(' ', start) - start));
  }
  return connections.size();
}

/// A server that forgets all that was written when it is started again.
class Forgetful {
 public:
  explicit Forgetful(std::vector<std::string> arguments = {"memory", "4M"})
      : arguments_(std::move(arguments)) {
    server_.emplace(folder_, arguments_);
  }
  const std::string& uri() const { return server_->uri; }
  void start_again() {
    server_->process.kill();
    std::filesystem::remove(server_->socket);
    server_.emplace(folder_, arguments_);
  }

 private:
  const TemporaryFolder folder_;
  const std::vector<std::string> arguments_;
  std::optional<Nbdkit> server_;
};

std::unique_ptr<Disk> open_for_writing(const std::string& uri) {
  OpenOptions options = patient_for(20);
  options.writable = true;
  return must(open_disk(uri, options));
}

}  // namespace

TEST_SUITE("nbd: connections") {
  TEST_CASE("reads have connections of their own, as far as the server and the caller allow") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    std::vector<std::string> arguments = {"--filter=log", "--filter=multi-conn", "memory", "1M",
                                          "logfile=" + (folder / "log")};
    OpenOptions options = patient_for(20);
    std::size_t expected = 0;
    SUBCASE("four") {
      arguments.push_back("multi-conn-mode=plugin");
      expected = 4;
    }
    SUBCASE("as many as the caller says") {
      arguments.push_back("multi-conn-mode=plugin");
      options.options["connections"] = "6";
      expected = 6;
    }
    SUBCASE("one, where the server does not promise that several see the same") {
      arguments.push_back("multi-conn-mode=disable");
      expected = 1;
    }
    {
      const Nbdkit server(folder, arguments);
      const auto disk = must(open_disk(server.uri, options));
      must(read_within_one_another(*disk, 9));
    }
    CHECK(connections_read(folder / "log") == expected);
  }

  TEST_CASE("every connection leads to a disk of the same size, or it is SourceChanged") {
    TemporaryFolder folder;
    NbdScript script{.content = Content(1 << 20)};
    script.size_later = 2 << 20;
    SUBCASE("a further one") { script.multi_connection = true; }
    SUBCASE("one in place of a lost one") {
      script.requests_until_cut = 2;  // opening reads once
      script.cuts = 1;
    }
    const ScriptedNbdServer server(folder / "s", script);
    const auto disk = must(open_disk(nbd_uri(folder / "s"), patient_for(20)));
    CHECK(outcome(read_within_one_another(*disk, 2)) == "SourceChanged");
    CHECK(server.connections() == 2);
  }

  TEST_CASE("a read does not hide that a server which was started again has lost what it had") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    Forgetful server;
    const auto disk = open_for_writing(server.uri());
    SUBCASE("written") { must(disk->write(0, pattern(kPiece, 61))); }
    SUBCASE("zeroed") { must(disk->zero({0, kPiece})); }
    SUBCASE("written after a flush") {
      must(disk->write(0, pattern(kPiece, 62)));
      must(disk->flush());
      must(disk->write(kPiece, pattern(kPiece, 63)));
    }
    server.start_again();
    Content got(kPiece);
    const auto read = disk->read(1 << 20, got);
    REQUIRE(outcome(read) == "Io");
    CHECK(read.error().message().find("since the last flush may be lost") != std::string::npos);
    CHECK(outcome(disk->flush()) == "Io");
  }

  TEST_CASE("nor does the read of a block that is changed in part") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    Forgetful server({"--filter=blocksize-policy", "memory", "4M", "blocksize-minimum=4096",
                      "blocksize-error-policy=error"});
    const auto disk = open_for_writing(server.uri());
    must(disk->write(0, pattern(kPiece, 64)));
    server.start_again();
    CHECK(outcome(disk->write((1 << 20) + 5, pattern(100, 65))) == "Io");
    CHECK(outcome(disk->flush()) == "Io");
  }

  TEST_CASE("nor does a connection that is opened only then") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    Forgetful server;
    const auto disk = open_for_writing(server.uri());
    must(disk->write(0, pattern(kPiece, 66)));
    Content room(kPiece);
    bool first = true;
    // The first connection is busy with what it had answered before, and has noticed nothing.
    must(disk->read_ahead(
        [&]() -> Result<std::optional<Extent>> {
          if (std::exchange(first, false)) return Extent{0, kPiece};
          return std::nullopt;
        },
        kPiece, room,
        [&](std::uint64_t, std::span<const std::byte>) -> Result<void> {
          server.start_again();
          Content got(kPiece);
          return disk->read(1 << 20, got);
        }));
    CHECK(outcome(disk->flush()) == "Io");
  }

  TEST_CASE("a connection is opened again when all that was written is on stable storage") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    std::vector<std::string> arguments = {"memory", "4M"};
    bool flush = true;
    SUBCASE("flushed") {}
    SUBCASE("written with FUA") {
      flush = false;
      arguments = {"eval",
                   "get_size=echo 4M",
                   "pread=head -c $3 /dev/zero",
                   "pwrite=cat >/dev/null",
                   "can_flush=exit 3",
                   "can_fua=echo native"};
    }
    Forgetful server(arguments);
    const auto disk = open_for_writing(server.uri());
    must(disk->write(0, pattern(kPiece, 67)));
    if (flush) must(disk->flush());
    server.start_again();
    Content got(kPiece);
    CHECK(outcome(disk->read(1 << 20, got)) == "ok");
    CHECK(outcome(disk->write(1 << 20, got)) == "ok");
    CHECK(outcome(disk->flush()) == "ok");
  }
}
