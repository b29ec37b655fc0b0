#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <vector>

#include "io/descriptor.hpp"
#include "servers.hpp"
#include "support/scripted_nbd_server.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// What opening the server's disk and reading all of it, map included, comes to.
std::string outcome_of(const NbdScript& script, std::uint64_t patience = 20,
                       const std::string& scheme = "nbd") {
  TemporaryFolder folder;
  const ScriptedNbdServer server(folder / "s", script);
  const auto disk = open_disk(scheme + "+unix:///?socket=" + (folder / "s"), patient_for(patience));
  if (!disk) return outcome(disk);
  Content got((*disk)->size());
  if (const auto read = (*disk)->read(0, got); !read) return outcome(read);
  if (const auto map = (*disk)->map(); !map) return outcome(map);
  return got == script.content ? "ok" : "wrong bytes";
}

/// A TCP port that answers nobody: its queue of one is taken, and the kernel drops who comes next.
class CrowdedPort {
 public:
  CrowdedPort() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof place;
    auto* const address = reinterpret_cast<sockaddr*>(&place);
    REQUIRE(::bind(listening_.get(), address, length) == 0);
    REQUIRE(::listen(listening_.get(), 0) == 0);
    REQUIRE(::getsockname(listening_.get(), address, &length) == 0);
    for (int i = 0; i < 4; ++i) {
      crowd_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)::connect(crowd_.back().get(), address, length);
    }
    uri_ = "nbd://127.0.0.1:" + std::to_string(ntohs(place.sin_port));
  }
  const std::string& uri() const { return uri_; }

 private:
  Descriptor listening_;
  std::vector<Descriptor> crowd_;
  std::string uri_;
};

NbdScript honest() { return {.content = pattern(3 << 20, 11)}; }

}  // namespace

TEST_SUITE("nbd: hostile servers") {
  TEST_CASE("the scripted server is served when it tells the truth") {
    CHECK(outcome_of(honest()) == "ok");
  }

  TEST_CASE("impossible claims end in named errors") {
    NbdScript script = honest();
    SUBCASE("a size of 2^63-1") {
      script.claimed_size = (std::uint64_t{1} << 63) - 1;
      CHECK(outcome_of(script) == "Limit");
    }
    SUBCASE("a size of 2^63") {
      script.claimed_size = std::uint64_t{1} << 63;
      CHECK(outcome_of(script) == "Limit");
    }
    SUBCASE("blocks that the disk is no multiple of") {
      script.block_minimum = 4096;
      script.content.resize(script.content.size() - 1);
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("an option reply of 4 GiB") {
      script.option_reply_length = 0xffffffff;
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("answers to questions nobody asked") {
      script.wrong_cookie = true;
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("a run of no bytes") {
      script.status = {{0, 0}};
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("a run of no bytes among others") {
      script.status = {{4096, 0}, {0, 3}, {4096, 0}};
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("runs beyond what was asked for") {
      script.status = {{8 << 20, 0}, {4096, 3}};
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("a last run that reaches too far, as is allowed") {
      script.status = {{64 << 20, 0}};
      CHECK(outcome_of(script) == "ok");
    }
    SUBCASE("runs that overlap: one place told of twice") {
      script.status_twice = true;
      CHECK(outcome_of(script) == "Protocol");
    }
    SUBCASE("the status of something nobody asked for") {
      script.status_elsewhere = true;
      CHECK(outcome_of(script) == "Protocol");
    }
  }

  TEST_CASE("silence is Timeout, wherever it begins") {
    using Silence = NbdScript::Silence;
    NbdScript script = honest();
    SUBCASE("before the greeting") { script.silent = Silence::from_start; }
    SUBCASE("in the options") { script.silent = Silence::in_options; }
    SUBCASE("before the export is given") { script.silent = Silence::before_export; }
    SUBCASE("after the handshake") { script.silent = Silence::after_handshake; }
    CHECK(outcome_of(script, 1) == "Timeout");
  }

  TEST_CASE("silence where TLS is asked for is Timeout as well") {
    NbdScript script = honest();
    script.silent = NbdScript::Silence::in_options;
    CHECK(outcome_of(script, 1, "nbds") == "Timeout");
  }

  TEST_CASE("an answer without end is no answer") {
    using Endless = NbdScript::Endless;
    NbdScript script = honest();
    const auto trickling = [&] { script.pause = std::chrono::milliseconds(20); };
    std::string expected = "Timeout";
    SUBCASE("contexts, one by one") {
      script.endless = Endless::contexts_listed;
      trickling();
    }
    SUBCASE("contexts that were chosen, one by one") {
      script.endless = Endless::contexts_set;
      trickling();
    }
    SUBCASE("contexts, as fast as they are taken") {
      script.endless = Endless::contexts_listed;
      expected = "Protocol";
    }
    SUBCASE("contexts that were chosen, as fast as they are taken") {
      script.endless = Endless::contexts_set;
      expected = "Protocol";
    }
    SUBCASE("what the export is like, as fast as it is taken") {
      script.endless = Endless::information;
      expected = "Protocol";
    }
    SUBCASE("data, as fast as it is taken") { script.endless = Endless::data; }
    SUBCASE("data, a few bytes now and then") {
      script.endless = Endless::data;
      script.chunk = 1;
      trickling();
    }
    SUBCASE("errors, as fast as they are taken") { script.endless = Endless::errors; }
    CHECK(outcome_of(script, 1) == expected);
  }

  TEST_CASE("a server that takes longer than the timeout is waited for while it brings data") {
    NbdScript script{.content = pattern(1 << 20, 12)};
    script.pause = std::chrono::milliseconds(150);
    SUBCASE("in one part") {}
    SUBCASE("in many") { script.chunk = 48 << 10; }
    const auto began = std::chrono::steady_clock::now();
    CHECK(outcome_of(script, 2) == "ok");
    CHECK(std::chrono::steady_clock::now() - began > std::chrono::seconds(2));
  }

  TEST_CASE("a machine that does not take the call is Timeout") {
    const CrowdedPort port;
    CHECK(outcome(open_disk(port.uri(), patient_for(1))) == "Timeout");
  }

  TEST_CASE("block sizes that no server can have are not believed") {
    NbdScript script = honest();
    for (const std::uint32_t size : {0u, 3u, 1u << 20}) {
      CAPTURE(size);
      script.block_minimum = size;
      CHECK(outcome_of(script) == "ok");
    }
  }

  TEST_CASE("a read goes on over a new connection when the server drops the old one") {
    NbdScript script = honest();
    script.requests_until_cut = 2;
    SUBCASE("a few times") {
      script.cuts = 3;
      CHECK(outcome_of(script) == "ok");
    }
    SUBCASE("a few times, in the middle of an answer") {
      script.cuts = 3;
      script.cut_inside = true;
      CHECK(outcome_of(script) == "ok");
    }
    SUBCASE("but not for ever") {
      script.cuts = 1000;
      CHECK(outcome_of(script) == "Io");
    }
  }

  TEST_CASE("a location is an NBD URI that reaches a server, and nothing else") {
    CHECK(outcome(open_disk("nbd+ssh://-oProxyCommand=touch%20x/")) == "ReferenceDenied");
    CHECK(outcome(open_disk("nbd://-oProxyCommand=x/")) == "ReferenceDenied");
    CHECK(outcome(open_disk("nbd://user@%2doProxyCommand=x/")) == "ReferenceDenied");
    CHECK(outcome(open_disk("nbd+vsock://2/")) == "ReferenceDenied");
    CHECK(outcome(open_disk("nbd:unix:/tmp/s")) == "InvalidArgument");
    CHECK(outcome(open_disk("nbd+unix:///?socket=a b")) == "InvalidArgument");
    CHECK(outcome(open_disk("nbd+unix:///", {.format = "qcow2"})) == "UnsupportedFeature");
    CHECK(outcome(open_disk("/etc/passwd", {.format = "nbd"})) == "InvalidArgument");
    const TemporaryFolder folder;
    CHECK(outcome(create_disk(folder / "file", "nbd", {.size = 512})) == "InvalidArgument");
    CHECK(folder.names().empty());
  }
}
