// What is asked of a server, as its own log tells it.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "servers.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// The requests of nbdkit's log that change or flush the disk: "Zero offset=0x0 ... fast=1".
std::vector<std::string> requests_in(const std::string& log) {
  std::ifstream file(log);
  std::vector<std::string> requests;
  for (std::string line; std::getline(file, line);) {
    // Answers begin with the dots that requests end with.
    std::istringstream words(line);
    std::string date, time, connection, name;
    if (!(words >> date >> time >> connection >> name)) continue;
    if (name == "Zero" || name == "Trim" || name == "Flush" || name == "Write") {
      requests.push_back(line.substr(line.find(name)));
    }
  }
  return requests;
}

bool has(const std::string& request, const std::string& word) {
  return request.find(word) != std::string::npos;
}

OpenOptions writable() {
  OpenOptions options = patient_for(20);
  options.writable = true;
  return options;
}

/// The arguments of a server that logs what it is asked.
std::vector<std::string> logged(const TemporaryFolder& folder, std::vector<std::string> rest) {
  rest.insert(rest.begin(), "--filter=log");
  rest.push_back("logfile=" + (folder / "log"));
  return rest;
}

}  // namespace

TEST_SUITE("nbd: requests") {
  TEST_CASE("zeros are asked for fast first, and slowly from the first refusal on") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    {
      const Nbdkit server(folder, logged(folder, {"--filter=nozero", "memory", "8M",
                                                  "zeromode=plugin", "fastzeromode=slow"}));
      const auto disk = must(open_disk(server.uri, writable()));
      must(disk->zero({0, 1 << 20}));
      must(disk->zero({2 << 20, 1 << 20}));
    }
    const auto asked = requests_in(folder / "log");
    REQUIRE(asked.size() == 3);
    CHECK(has(asked[0], "Zero id=2 offset=0x0 count=0x100000"));
    CHECK(has(asked[0], "fast=1"));
    CHECK(has(asked[1], "offset=0x0 count=0x100000"));
    CHECK(has(asked[1], "fast=0"));
    CHECK(has(asked[2], "offset=0x200000 count=0x100000"));
    CHECK(has(asked[2], "fast=0"));
  }

  TEST_CASE("what is discarded is trimmed, and flush flushes") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    {
      const Nbdkit server(folder, logged(folder, {"memory", "8M"}));
      const auto disk = must(open_disk(server.uri, writable()));
      CHECK(disk->capabilities().discard);
      must(disk->discard({1 << 20, 3 << 20}));
      must(disk->flush());
    }
    const auto asked = requests_in(folder / "log");
    REQUIRE(asked.size() == 2);
    CHECK(has(asked[0], "Trim"));
    CHECK(has(asked[0], "offset=0x100000 count=0x300000"));
    CHECK(has(asked[1], "Flush"));
  }

  TEST_CASE("without flush every write forces unit access; without both it is said") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    bool durable = true;
    SUBCASE("FUA") {}
    SUBCASE("neither") { durable = false; }
    {
      const Nbdkit server(folder,
                          logged(folder, {"eval", "get_size=echo 4M", "pread=head -c $3 /dev/zero",
                                          "pwrite=cat >/dev/null", "can_flush=exit 3",
                                          durable ? "can_fua=echo native" : "can_fua=echo none"}));
      const auto disk = must(open_disk(server.uri, writable()));
      const DiskInfo info = must(disk->info());
      const std::pair<std::string, std::string> told("durable", durable ? "yes" : "unknown");
      CHECK(std::ranges::count(info.details, told) == 1);
      CHECK(info.warnings.empty() == durable);
      must(disk->write(0, pattern(1500 << 10, 41)));
      must(disk->zero({2 << 20, 64 << 10}));
      must(disk->flush());
    }
    const auto asked = requests_in(folder / "log");
    REQUIRE(asked.size() == 3);  // the write in two pieces, the zeros as data
    for (const std::string& request : asked) {
      CAPTURE(request);
      CHECK(has(request, "Write"));
      CHECK(has(request, durable ? "fua=1" : "fua=0"));
    }
  }

  TEST_CASE("no request is longer than the server takes, and all keep to its blocks") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Nbdkit server(folder, {"--filter=blocksize-policy", "memory", "8M",
                                 "blocksize-minimum=4096", "blocksize-preferred=8192",
                                 "blocksize-maximum=16384", "blocksize-error-policy=error"});
    const auto disk = must(open_disk(server.uri, writable()));
    const Content content = pattern((3 << 20) + 77, 42);
    must(disk->write(1001, content));
    must(disk->zero({5 << 20, (1 << 20) + 5}));
    must(disk->discard({(6 << 20) + 3, 1 << 20}));
    Content back(content.size());
    must(disk->read(1001, back));
    CHECK(back == content);
  }

  TEST_CASE("a server that is silent while it is written is Timeout") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    CreateOptions options;
    options.size = 4 << 20;
    options.overwrite = true;
    options.limits.io_timeout = 1;
    std::vector<std::string> arguments = {"--filter=delay", "memory", "4M"};
    bool at_once = true;
    SUBCASE("writes") { arguments.push_back("delay-write=30"); }
    SUBCASE("the map") { arguments.push_back("delay-extents=30"); }
    SUBCASE("opening") { arguments.push_back("delay-open=30"); }
    SUBCASE("flushes") {
      arguments = {"eval",
                   "get_size=echo 4M",
                   "pread=head -c $3 /dev/zero",
                   "pwrite=cat >/dev/null",
                   "can_flush=exit 0",
                   "flush=exec sleep 5"};
    }
    SUBCASE("zeros") {
      // All of it holds data, so that zeros have to be written.
      arguments.insert(arguments.end(), {"delay-zero=30"});
      arguments.insert(arguments.begin(), "--filter=noextents");
      at_once = false;
      options.limits.io_timeout = 3;  // what comes before is answered
    }
    const Nbdkit server(folder, arguments);
    auto created = create_disk(server.uri, "nbd", options);
    if (at_once) {
      CHECK(outcome(created) == "Timeout");
    } else {
      const auto disk = must(std::move(created));
      CHECK(outcome(disk->zero({2 << 20, 1 << 20})) == "Timeout");
      CHECK(outcome(disk->commit()) == "Timeout");
    }
  }
}
