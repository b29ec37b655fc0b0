#include <doctest/doctest.h>

#include <algorithm>

#include "servers.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

Content read_all(const Disk& disk) {
  Content content(disk.size());
  must(disk.read(0, content));
  return content;
}

}  // namespace

TEST_SUITE("nbd: reading") {
  TEST_CASE("what a server holds arrives whole, over one connection or several") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = data_and_holes(1);
    write_file(folder / "disk", content);
    std::vector<std::string> arguments = {"file", folder / "disk"};
    OpenOptions options;
    SUBCASE("several connections") {}
    SUBCASE("as many as the caller says") { options.options["connections"] = "2"; }
    SUBCASE("one connection") {
      arguments.insert(arguments.begin(), {"--filter=multi-conn"});
      arguments.push_back("multi-conn-mode=disable");
    }
    SUBCASE("blocks of 4 KiB at least") {
      arguments.insert(arguments.begin(), {"--filter=blocksize-policy", "--filter=truncate"});
      arguments.insert(arguments.end(),
                       {"blocksize-minimum=4096", "blocksize-error-policy=error", "round-up=4096"});
    }
    const Nbdkit server(folder, arguments);
    const auto disk = must(open_disk(server.uri, options));
    if (!options.options.empty()) {
      const std::pair<std::string, std::string> expected("connections", "2");
      CHECK(std::ranges::count(must(disk->info()).details, expected) == 1);
    }
    CHECK(disk->size() >= content.size());
    Content got(content.size());
    must(disk->read(0, got));
    CHECK(got == content);
    // Places and lengths that fit nothing.
    Content some(100001);
    must(disk->read(77777, some));
    CHECK(std::equal(some.begin(), some.end(), content.begin() + 77777));

    ConvertRequest request{.source = server.uri, .target = folder / "copy", .target_format = "raw"};
    const CopyReport report = must(convert(request));
    CHECK(report.zero_bytes >= 2 << 20);
    Content copy = read_file(folder / "copy");
    copy.resize(content.size());
    CHECK(copy == content);
  }

  TEST_CASE("a disk of 1000 bytes stays 1000 bytes") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = pattern(1000, 7);
    write_file(folder / "disk", content);
    const Nbdkit server(folder, {"file", folder / "disk"});
    const auto disk = must(open_disk(server.uri));
    CHECK(disk->size() == 1000);
    CHECK(read_all(*disk) == content);
    Content beyond(2);
    CHECK(outcome(disk->read(999, beyond)) == "OutOfRange");
  }

  TEST_CASE("the map tells holes; a hole that is not known to be zero is read") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Nbdkit server(folder, {"eval", "get_size=echo 4M",
                                 "pread=head -c $3 /dev/zero | tr '\\0' 'x'", "can_extents=exit 0",
                                 "extents=echo 0 1M hole; echo 1M 1M zero; echo 2M 1M hole,zero; "
                                 "echo 3M 1M"});
    const auto disk = must(open_disk(server.uri));
    const auto map = must(disk->map());
    REQUIRE(map.size() == 4);
    CHECK_FALSE(map[0].zero);
    CHECK(map[1].zero);
    CHECK(map[2].zero);
    CHECK_FALSE(map[3].zero);
    CHECK(map[3].data);
    const CopyReport report =
        must(convert({.source = server.uri, .target = folder / "copy", .target_format = "raw"}));
    CHECK(report.data_bytes == 2 << 20);
    const Content copy = read_file(folder / "copy");
    REQUIRE(copy.size() == 4 << 20);
    CHECK(copy[5] == std::byte{'x'});
    CHECK(copy[(1 << 20) + 5] == std::byte{0});
  }

  TEST_CASE("a server without block status, or whose block status fails, is copied whole") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = data_and_holes(2);
    write_file(folder / "disk", content);
    std::vector<std::string> arguments;
    SUBCASE("none") { arguments = {"--filter=noextents", "file", folder / "disk"}; }
    SUBCASE("failing") {
      arguments = {"--filter=error", "file", folder / "disk", "error-extents=EIO",
                   "error-extents-rate=100%"};
    }
    const Nbdkit server(folder, arguments);
    must(convert({.source = server.uri, .target = folder / "copy", .target_format = "raw"}));
    CHECK(read_file(folder / "copy") == content);
  }

  TEST_CASE("a read error half way is Io with its place, and leaves no target") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Nbdkit server(folder, {"eval", "get_size=echo 8M",
                                 "pread=if [ $4 -ge 4194304 ]; then echo EIO gone >&2; exit 1; fi; "
                                 "head -c $3 /dev/zero | tr '\\0' 'x'"});
    const auto report =
        convert({.source = server.uri, .target = folder / "copy", .target_format = "raw"});
    REQUIRE(outcome(report) == "Io");
    CHECK(report.error().offset().value_or(0) >= 4194304);
    CHECK(report.error().path() == server.uri);
    CHECK_FALSE(std::filesystem::exists(folder / "copy"));
  }

  TEST_CASE("a server that stalls is Timeout, not for ever") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Nbdkit server(folder, {"--filter=delay", "pattern", "1M", "delay-read=60"});
    const auto began = std::chrono::steady_clock::now();
    CHECK(outcome(open_disk(server.uri, patient_for(1))) == "Timeout");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
  }

  TEST_CASE("what is not there is NotFound") {
    TemporaryFolder folder;
    CHECK(outcome(open_disk(nbd_uri(folder / "nobody.sock"))) == "NotFound");
    CHECK(outcome(open_disk("nbd://no-such-host.invalid/")) == "NotFound");
    if (!have_command("qemu-nbd")) return skip("qemu-nbd is absent");
    write_file(folder / "disk", Content(1 << 20));
    Process server({"qemu-nbd", "-t", "-f", "raw", "-e", "4", "-k", folder / "s.sock", "-x", "here",
                    folder / "disk"});
    REQUIRE(server.wait_until([&] { return listens(folder / "s.sock"); }));
    CHECK(outcome(open_disk(nbd_uri(folder / "s.sock", "here"))) == "ok");
    CHECK(outcome(open_disk(nbd_uri(folder / "s.sock", "elsewhere"))) == "NotFound");
  }

  TEST_CASE("QEMU's dirty bitmaps and allocation depth are sets of extents") {
    if (!have_command("qemu-nbd")) return skip("qemu-nbd is absent");
    TemporaryFolder folder;
    const std::string base = folder / "base.qcow2";
    const std::string top = folder / "top.qcow2";
    const auto run = [](std::vector<std::string> command) {
      const auto result = run_command(command);
      REQUIRE_MESSAGE(result.status == 0, result.output);
    };
    run({"qemu-img", "create", "-q", "-f", "qcow2", base, "8M"});
    run({"qemu-io", "-c", "write 0 1M", base});
    run({"qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top});
    run({"qemu-img", "bitmap", "--add", top, "since-monday"});
    run({"qemu-io", "-c", "write 2M 64k", "-c", "write 4M 128k", top});
    run({"qemu-img", "bitmap", "--disable", top, "since-monday"});
    Process server({"qemu-nbd", "-t", "-r", "-f", "qcow2", "-A", "-B", "since-monday", "-k",
                    folder / "s.sock", top});
    REQUIRE(server.wait_until([&] { return listens(folder / "s.sock"); }));
    const auto disk = must(open_disk(nbd_uri(folder / "s.sock")));
    const ExtentSet expected{{2 << 20, 64 << 10}, {4 << 20, 128 << 10}};
    CHECK(must(disk->bitmap("since-monday")) == expected);
    CHECK(must(disk->bitmap("qemu:dirty-bitmap:since-monday")) == expected);
    CHECK(must(disk->bitmap("qemu:allocation-depth")) == expected);
    CHECK(outcome(disk->bitmap("since-tuesday")) == "NotFound");
    const DiskInfo info = must(disk->info());
    REQUIRE(info.bitmaps.size() == 1);
    CHECK(info.bitmaps[0].name == "since-monday");
  }
}
