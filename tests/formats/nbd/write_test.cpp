#include <doctest/doctest.h>

#include <algorithm>

#include "servers.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

CreateOptions over(std::uint64_t size) {
  CreateOptions options;
  options.size = size;
  options.overwrite = true;
  options.limits.io_timeout = 20;
  return options;
}

ConvertRequest copy_to(const std::string& source, const std::string& target) {
  ConvertRequest request{.source = source,
                         .source_options = {.format = "raw"},
                         .target = target,
                         .target_format = "nbd"};
  request.target_options.overwrite = true;
  request.target_options.limits.io_timeout = 20;
  request.copy.verify = true;
  return request;
}

}  // namespace

TEST_SUITE("nbd: writing") {
  TEST_CASE("a copy arrives whole, whatever the server can and held before") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = data_and_holes(21);
    const std::uint64_t larger = 8 << 20;
    write_file(folder / "source", content);
    write_file(folder / "target", pattern(larger, 22));
    std::vector<std::string> arguments = {"file", folder / "target"};
    const auto with_filters = [&](const std::vector<std::string>& filters,
                                  const std::vector<std::string>& settings) {
      for (const auto& filter : filters) arguments.insert(arguments.begin(), "--filter=" + filter);
      arguments.insert(arguments.end(), settings.begin(), settings.end());
    };
    SUBCASE("everything") {}
    SUBCASE("no zeros") { with_filters({"nozero"}, {}); }
    SUBCASE("no fast zeros") { with_filters({"nozero"}, {"zeromode=notrim", "fastzeromode=none"}); }
    SUBCASE("zeros are never fast") {
      with_filters({"nozero"}, {"zeromode=plugin", "fastzeromode=slow"});
    }
    SUBCASE("no block status") { with_filters({"noextents"}, {}); }
    SUBCASE("one connection") { with_filters({"multi-conn"}, {"multi-conn-mode=disable"}); }
    SUBCASE("all that is written is forced to disk") { with_filters({"fua"}, {"fuamode=force"}); }
    SUBCASE("blocks of 4 KiB to 64 KiB") {
      with_filters({"blocksize-policy"}, {"blocksize-minimum=4096", "blocksize-preferred=64k",
                                          "blocksize-maximum=64k", "blocksize-error-policy=error"});
    }
    SUBCASE("a new export, all zeros") {
      std::filesystem::remove(folder / "target");
      write_file(folder / "target", {});
      std::filesystem::resize_file(folder / "target", larger);
    }
    {
      const Nbdkit server(folder, arguments);
      const CopyReport report = must(convert(copy_to(folder / "source", server.uri)));
      CHECK(report.verified);
    }
    Content expected = content;
    expected.resize(larger);  // what lies behind the copy is no part of it
    CHECK(read_file(folder / "target") == expected);
  }

  TEST_CASE("QEMU's servers are written as well") {
    if (!have_command("qemu-nbd")) return skip("qemu-nbd is absent");
    TemporaryFolder folder;
    Content content = data_and_holes(23);
    content.resize(7 << 20);
    write_file(folder / "source", content);
    REQUIRE(
        run_command({"qemu-img", "create", "-q", "-f", "qcow2", folder / "t.qcow2", "7M"}).status ==
        0);
    const std::string socket = folder / "s.sock";
    std::vector<std::string> command;
    SUBCASE("qemu-nbd, for one client at a time") {
      command = {"qemu-nbd", "-t", "-f", "qcow2", "-k", socket, folder / "t.qcow2"};
    }
    SUBCASE("qemu-storage-daemon") {
      command = {"qemu-storage-daemon",
                 "--blockdev",
                 "file,node-name=file,filename=" + (folder / "t.qcow2"),
                 "--blockdev",
                 "qcow2,node-name=disk,file=file",
                 "--nbd-server",
                 "addr.type=unix,addr.path=" + socket,
                 "--export",
                 "nbd,id=e,node-name=disk,name=,writable=on"};
    }
    {
      Process server(command, folder / "server.log");
      REQUIRE(server.wait_until([&] { return listens(socket); }));
      must(convert(copy_to(folder / "source", nbd_uri(socket))));
    }
    const auto compared = run_command(
        {"qemu-img", "compare", "-f", "raw", "-F", "qcow2", folder / "source", folder / "t.qcow2"});
    CHECK_MESSAGE(compared.status == 0, compared.output);
  }

  TEST_CASE(
      "an export is overwritten only when that is asked for, and only when it is large enough") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content before = pattern(1 << 20, 24);
    write_file(folder / "target", before);
    const Nbdkit server(folder, {"file", folder / "target"});
    const Nbdkit read_only(folder, {"-r", "file", folder / "target"}, "read-only");
    CreateOptions without = over(1 << 20);
    without.overwrite = false;
    CHECK(outcome(create_disk(server.uri, "nbd", without)) == "Exists");
    CHECK(outcome(create_disk(server.uri, "nbd", over((1 << 20) + 1))) == "NoSpace");
    CHECK(outcome(create_disk(read_only.uri, "nbd", over(1 << 20))) == "Permission");
    CHECK(outcome(create_disk(server.uri, "qcow2", over(1 << 20))) == "UnsupportedFeature");
    CHECK(read_file(folder / "target") == before);
    CHECK(outcome(open_disk(read_only.uri, {.writable = true})) == "Permission");
  }

  TEST_CASE("an interrupted copy is marked, and opening it is Incomplete") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Content content = pattern(4 << 20, 25);
    const Nbdkit server(folder, {"memory", "4M"});
    {
      const auto disk = must(create_disk(server.uri, "raw", over(4 << 20)));
      must(disk->write(0, content));
      must(disk->complete());
      CHECK(outcome(open_disk(server.uri)) == "Incomplete");
      const auto preview = must(disk->reopen());
      Content seen(content.size());
      must(preview->read(0, seen));
      CHECK(seen == content);
    }
    CHECK(outcome(open_disk(server.uri)) == "Incomplete");
    {
      const auto disk = must(create_disk(server.uri, "raw", over(4 << 20)));
      must(disk->write(0, content));
      must(disk->commit());
    }
    const auto disk = must(open_disk(server.uri));
    Content got(content.size());
    must(disk->read(0, got));
    CHECK(got == content);
  }

  TEST_CASE("an existing disk is changed in place, at any place") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    Content expected = pattern(2 << 20, 26);
    write_file(folder / "disk", expected);
    std::vector<std::string> arguments = {"file", folder / "disk"};
    SUBCASE("bytes") {}
    SUBCASE("blocks of 4 KiB") {
      arguments = {"--filter=blocksize-policy", "file", folder / "disk", "blocksize-minimum=4096",
                   "blocksize-error-policy=error"};
    }
    {
      const Nbdkit server(folder, arguments);
      OpenOptions options = patient_for(20);
      options.writable = true;
      const auto disk = must(open_disk(server.uri, options));
      const Content change = pattern(10001, 27);
      must(disk->write(12345, change));
      std::ranges::copy(change, expected.begin() + 12345);
      must(disk->zero({70001, 9999}));
      std::fill_n(expected.begin() + 70001, 9999, std::byte{0});
      must(disk->flush());
    }
    CHECK(read_file(folder / "disk") == expected);
  }

  TEST_CASE("the map of a disk that is written is that of now") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    const Nbdkit server(folder, {"memory", "8M"});
    OpenOptions options = patient_for(20);
    options.writable = true;
    std::unique_ptr<Disk> disk;
    SUBCASE("opened") { disk = must(open_disk(server.uri, options)); }
    SUBCASE("created") { disk = must(create_disk(server.uri, "nbd", over(8 << 20))); }
    const auto data = [&] {
      ExtentSet runs;
      for (const DiskExtent& run : must(disk->map())) {
        // Where a target's mark stands the server has data.
        if (!run.zero && run.offset >= 2 << 20) runs.add({run.offset, run.length});
      }
      return runs;
    };
    CHECK(data() == ExtentSet{});
    const Content content = pattern(1 << 20, 32);
    must(disk->write(2 << 20, content));
    CHECK(data() == ExtentSet{{2 << 20, 1 << 20}});
    const auto copy = must(create_disk(folder / "copy", "raw", {.size = 8 << 20}));
    must(copy_disk(*disk, *copy));
    Content got(1 << 20);
    must(copy->read(2 << 20, got));
    CHECK(got == content);
    must(disk->zero({2 << 20, 512 << 10}));
    CHECK(data() == ExtentSet{{(2 << 20) + (512 << 10), 512 << 10}});
    must(disk->discard({2 << 20, 1 << 20}));
    CHECK(data() == ExtentSet{});
  }

  TEST_CASE("a failing write ends the copy and leaves the mark") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    write_file(folder / "source", data_and_holes(28));
    std::string expected;
    std::string script = "if [ $4 -ge 2000000 ]; then echo ";
    SUBCASE("no space") {
      script += "ENOSPC";
      expected = "NoSpace";
    }
    SUBCASE("broken") {
      script += "EIO";
      expected = "Io";
    }
    script += " failed >&2; exit 1; fi; dd of=" + (folder / "store") +
              " conv=notrunc bs=1M seek=$4 status=none iflag=fullblock oflag=seek_bytes";
    write_file(folder / "store", Content(8 << 20, std::byte{1}));
    const Nbdkit server(folder, {"eval", "get_size=echo 8M", "pwrite=" + script,
                                 "pread=dd if=" + (folder / "store") +
                                     " skip=$4 count=$3 iflag=skip_bytes,count_bytes status=none",
                                 "flush=exit 0", "can_write=exit 0"});
    CHECK(outcome(convert(copy_to(folder / "source", server.uri))) == expected);
    CHECK(outcome(open_disk(server.uri)) == "Incomplete");
  }

  TEST_CASE("what was written is flushed before the mark goes and before success is told") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    write_file(folder / "source", pattern(3 << 20, 29));
    {
      const Nbdkit server(folder, {"--filter=log", "memory", "3M", "logfile=" + (folder / "log")});
      must(convert(copy_to(folder / "source", server.uri)));
    }
    std::ifstream log(folder / "log");
    std::vector<std::string> calls;
    for (std::string line; std::getline(log, line);) {
      if (line.find("...") == std::string::npos) continue;
      if (line.find(" Write ") != std::string::npos) {
        calls.push_back(line.find("offset=0x0 ") != std::string::npos ? "first block" : "write");
      }
      if (line.find(" Flush ") != std::string::npos) calls.push_back("flush");
    }
    // The mark, the data, and then nothing but: flush, the block where the mark stood, flush.
    REQUIRE(calls.size() > 5);
    CHECK(calls.front() == "first block");
    const std::vector<std::string> end(calls.end() - 3, calls.end());
    CHECK(end == std::vector<std::string>{"flush", "first block", "flush"});
    CHECK(std::ranges::count(calls, "first block") == 2);
  }

  TEST_CASE("a server that goes away in the middle of a copy is Io") {
    if (!have_command("nbdkit")) return skip("nbdkit is absent");
    TemporaryFolder folder;
    Nbdkit server(folder, {"memory", "64M"});
    const auto disk = must(create_disk(server.uri, "nbd", over(64 << 20)));
    const Content content = pattern(1 << 20, 30);
    must(disk->write(8 << 20, content));
    server.process.kill();
    CHECK(outcome(disk->write(16 << 20, content)) == "Io");
    CHECK(outcome(disk->commit()) == "Io");
  }
}
