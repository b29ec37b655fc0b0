#include <doctest/doctest.h>

#include "servers.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

using Options = std::map<std::string, std::string>;

Content read_all(const Disk& disk) {
  Content content(disk.size());
  must(disk.read(0, content));
  return content;
}

std::string opened(const std::string& uri, const Options& options) {
  return outcome(open_disk(uri, {.limits = {.io_timeout = 20}, .options = options}));
}

/// A server's certificate for "localhost", signed by itself, with its key: in folder/NAME.
std::string certificates(const TemporaryFolder& folder, const std::string& name) {
  const std::string place = folder / name;
  std::filesystem::create_directory(place);
  REQUIRE(run_command({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                       "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                       "-keyout", place + "/server-key.pem", "-out", place + "/server-cert.pem"})
              .status == 0);
  std::filesystem::copy(place + "/server-cert.pem", place + "/ca-cert.pem");
  return place;
}

}  // namespace

TEST_SUITE("nbd: TLS") {
  TEST_CASE("TLS is demanded by its scheme and never given up") {
    if (!have_command("nbdkit") || !have_command("certtool")) {
      return skip("nbdkit or certtool is absent");
    }
    TemporaryFolder folder;
    const std::string psk = folder / "keys";
    REQUIRE(run_command({"psktool", "-u", "copy", "-p", psk}).status == 0);
    const Content content = pattern(100000, 9);
    write_file(folder / "disk", content);
    const Nbdkit secured(folder, {"--tls=require", "--tls-psk=" + psk, "file", folder / "disk"});
    const Nbdkit plain(folder, {"file", folder / "disk"}, "plain");
    const std::string with_tls = "nbds+unix://copy@/?socket=";
    const auto disk = must(open_disk(with_tls + secured.socket + "&tls-psk-file=" + psk));
    CHECK(read_all(*disk) == content);
    CHECK(must(disk->info()).details[1] == std::pair<std::string, std::string>("tls", "yes"));
    const auto downgraded = open_disk(with_tls + plain.socket + "&tls-psk-file=" + psk);
    CHECK(outcome(downgraded) == "Protocol");
    const auto refused = open_disk(secured.uri);
    CHECK(outcome(refused) == "Protocol");
    CHECK(refused.error().message().find("nbds+unix") != std::string::npos);
  }

  TEST_CASE("a shared key is given beside the URI as well") {
    if (!have_command("nbdkit") || !have_command("psktool")) {
      return skip("nbdkit or psktool is absent");
    }
    TemporaryFolder folder;
    const std::string keys = folder / "keys";
    for (const char* const user : {"copy", "other"}) {
      REQUIRE(run_command({"psktool", "-u", user, "-p", keys}).status == 0);
    }
    const Content content = pattern(1 << 20, 31);
    write_file(folder / "source", content);
    write_file(folder / "disk", Content(1 << 20));
    const Nbdkit server(folder, {"--tls=require", "--tls-psk=" + keys, "file", folder / "disk"});
    const std::string uri = "nbds+unix:///?socket=" + server.socket;
    const Options right = {{"tls-psk-file", keys}, {"tls-username", "copy"}};
    ConvertRequest request{.source = folder / "source",
                           .source_options = {.format = "raw"},
                           .target = uri,
                           .target_format = "nbd"};
    request.target_options.overwrite = true;
    request.target_options.options = right;
    must(convert(request));
    CHECK(read_file(folder / "disk") == content);
    CHECK(opened(uri, right) == "ok");
    CHECK(opened(uri, {{"tls-psk-file", keys}, {"tls-username", "nobody"}}) == "Protocol");
    const std::string others = folder / "others";
    REQUIRE(run_command({"psktool", "-u", "copy", "-p", others}).status == 0);
    CHECK(opened(uri, {{"tls-psk-file", others}, {"tls-username", "copy"}}) == "Protocol");
  }

  TEST_CASE("a server's certificate is checked against the caller's, unless told not to") {
    if (!have_command("nbdkit") || !have_command("openssl")) {
      return skip("nbdkit or openssl is absent");
    }
    TemporaryFolder folder;
    const std::string theirs = certificates(folder, "theirs");
    const std::string ours = certificates(folder, "ours");
    // Names are checked over TCP only: a Unix socket has none.
    const std::string port = std::to_string(free_port());
    Process server({"nbdkit", "-f", "-i", "127.0.0.1", "-p", port, "--tls=require",
                    "--tls-certificates=" + theirs, "pattern", "1M"});
    const std::string uri = "nbds://localhost:" + port;
    REQUIRE(server.wait_until([&] { return opened(uri, {{"tls-certificates", theirs}}) == "ok"; }));
    CHECK(opened(uri + "/?tls-certificates=" + theirs, {}) == "ok");
    CHECK(opened(uri + "/?tls-certificates=" + ours, {}) == "Protocol");
    CHECK(opened(uri, {{"tls-certificates", ours}}) == "Protocol");
    CHECK(opened(uri, {{"tls-certificates", ours}, {"tls-verify-peer", "no"}}) == "ok");
    // Not the name that the certificate is for.
    CHECK(opened("nbds://127.0.0.1:" + port, {{"tls-certificates", theirs}}) == "Protocol");
  }

  TEST_CASE("options that make no sense are named before anything is connected") {
    TemporaryFolder folder;
    const std::string plain = nbd_uri(folder / "nobody");
    const std::string secured = "nbds+unix:///?socket=" + (folder / "nobody");
    CHECK(opened(plain, {{"tls-certificates", "/"}}) == "InvalidArgument");
    CHECK(opened(secured, {{"tls-certificates", folder / "none"}}) == "NotFound");
    CHECK(opened(secured, {{"tls-psk-file", folder / "none"}}) == "NotFound");
    CHECK(opened(secured, {{"tls-verify-peer", "maybe"}}) == "InvalidArgument");
    CHECK(opened(secured, {{"tls-colour", "red"}}) == "InvalidArgument");
    for (const char* const count : {"0", "17", "-1", "four", "4 ", ""}) {
      CAPTURE(count);
      CHECK(opened(plain, {{"connections", count}}) == "InvalidArgument");
    }
  }
}
