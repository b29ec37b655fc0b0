#include "vmlift/migrate.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "support/appliance_builder.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string read_all(const std::string& path, const std::string& format) {
  const auto disk = must(open_disk(path, {.format = format}));
  std::string bytes(disk->size(), '\0');
  must(disk->read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

MigrationOptions into(const std::string& destination) {
  MigrationOptions options;
  options.destination = destination;
  return options;
}

Result<MigrationReport> migrate(const std::string& package, const MigrationOptions& options,
                                const MigrationRunOptions& run = {}) {
  auto migration = Migration::prepare(package, options);
  if (!migration) return std::unexpected(migration.error());
  return migration->run(run);
}

/// Two disks with data, a blank one, a manifest.
Appliance appliance_of_three() {
  Appliance appliance("web-01");
  appliance.flat_disk("web-01-disk1", some_bytes(1 << 20, 1))
      .flat_disk("web-01-disk2", some_bytes(512 << 10, 2))
      .blank_disk(8 << 20)
      .manifest();
  return appliance;
}

}  // namespace

TEST_SUITE("migrate") {
  TEST_CASE("an OVA becomes disks, a domain and a loss report") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    for (const std::string format : {"qcow2", "raw"}) {
      CAPTURE(format);
      const std::string out = folder / "out-" + format;
      MigrationOptions options = into(out);
      options.disk_format = format;
      options.verify = true;
      MigrationRunOptions run;
      std::uint64_t last = 0;
      run.progress = [&](const MigrationProgress& progress) {
        CHECK(progress.done >= last);
        CHECK(progress.done <= progress.total);
        last = progress.done;
      };
      const MigrationReport report = must(migrate(ova, options, run));
      REQUIRE(report.disks.size() == 3);
      REQUIRE(report.manifest);
      CHECK(report.manifest->files == 5);
      CHECK(last == (1 << 20) + (512 << 10) + (8 << 20) + report.manifest->bytes);
      CHECK(read_all(out + "/web-01-disk1." + format, format) == some_bytes(1 << 20, 1));
      CHECK(read_all(out + "/web-01-disk2." + format, format) == some_bytes(512 << 10, 2));
      CHECK(read_all(out + "/web-01-scsi0_2." + format, format) == std::string(8 << 20, '\0'));
      const std::string domain = folder.read("out-" + format + "/web-01.xml");
      CHECK(domain.find("<domain") != std::string::npos);
      CHECK(domain.find("'" + out + "/web-01-disk1." + format + "'") +
                domain.find("\"" + out + "/web-01-disk1." + format + "\"") !=
            2 * std::string::npos);
      CHECK(folder.read("out-" + format + "/web-01.loss.json").find("\"entries\"") !=
            std::string::npos);
      CHECK(std::distance(std::filesystem::directory_iterator(out), {}) == 5);
    }
  }

  TEST_CASE("qemu-img finds the migrated disks sound") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    MigrationOptions options = into(folder / "out");
    options.compress = true;
    must(migrate(appliance_of_three().write_ova(folder), options));
    const CommandResult checked =
        run_command({"qemu-img", "check", folder / "out/web-01-disk1.qcow2"});
    INFO(checked.output);
    CHECK(checked.status == 0);
  }

  TEST_CASE("a VMX with its disks migrates as well, whatever its names are") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(256 << 10, 3);
    folder.write("vm/disk one.vmdk", flat_descriptor("disk one-flat.vmdk", 512));
    folder.write("vm/disk one-flat.vmdk", bytes);
    const std::string vmx =
        folder.write("vm/web.vmx", vmx_text("../../web | one", {"disk one.vmdk"}));
    const MigrationReport report = must(migrate(vmx, into(folder / "out")));
    CHECK(read_all(folder / "out/disk_one.qcow2", "qcow2") == bytes);
    for (const PlannedFile& file : report.files) {
      CHECK(std::filesystem::path(file.path).parent_path() == folder / "out");
      CHECK(std::filesystem::exists(file.path));
    }
  }

  TEST_CASE("the guest goes on finding its disks by the serial numbers that VMware showed it") {
    const TemporaryFolder folder;
    folder.write("vm/a.vmdk",
                 flat_descriptor("a-flat.vmdk", 512) +
                     "ddb.uuid = \"60 00 C2 94 a9 30 9e 25-a7 29 6d 27 1c ea 5b 01\"\n");
    folder.write("vm/a-flat.vmdk", std::string(256 << 10, 'x'));
    for (const bool shown : {true, false}) {
      const std::string vmx = folder.write(
          "vm/web.vmx", vmx_text("web", {"a.vmdk"}, shown ? "disk.EnableUUID = \"TRUE\"\n" : ""));
      must(migrate(vmx, into(folder / (shown ? "out" : "out 2"))));
      const std::string domain = folder.read(shown ? "out/web.xml" : "out 2/web.xml");
      CHECK((domain.find("<serial>6000c294a9309e25a7296d271cea5b01</serial>") !=
             std::string::npos) == shown);
      CHECK((domain.find("<serial>") != std::string::npos) == shown);
    }
  }

  TEST_CASE("a plan says what will be read and written, and writes nothing") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    const Migration migration = must(Migration::prepare(ova, into(folder / "out")));
    const MigrationPlan& plan = migration.plan();
    CHECK(plan.kind == PackageKind::ova);
    CHECK(plan.machines == std::vector<std::string>{"web-01"});
    REQUIRE(plan.disks.size() == 3);
    CHECK(plan.disks[0].source == ova + "!web-01-disk1.vmdk");
    CHECK(plan.disks[0].source_format == "vmdk");
    CHECK(plan.disks[0].capacity == 1 << 20);
    CHECK(plan.disks[0].target == folder / "out/web-01-disk1.qcow2");
    CHECK(plan.disks[0].stored_size > 0);  // the member's size: an OVA has no file system
    CHECK(plan.disks[2].source.empty());
    CHECK(plan.disks[2].stored_size == 0);
    REQUIRE(plan.files.size() == 2);
    CHECK(plan.files[0].kind == "domain");
    CHECK(plan.files[1].kind == "report");
    CHECK(plan.manifest_entries == 5);
    CHECK_FALSE(plan.account.entries.empty());
    const std::string json = to_json(plan);
    CHECK(json.find("\"target_format\": \"qcow2\"") != std::string::npos);
    CHECK(json.find("\"stored_size\": null") != std::string::npos);
    CHECK(folder.names() == std::vector<std::string>{"web-01.ova"});
  }

  TEST_CASE("targets that exist are kept unless they are to be replaced") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    for (const char* name : {"out/web-01-disk2.qcow2", "out/web-01.xml", "out/web-01.loss.json"}) {
      CAPTURE(name);
      std::filesystem::remove_all(folder / "out");
      folder.write(name, "precious");
      CHECK(outcome(migrate(ova, into(folder / "out"))) == "Exists");
      CHECK(folder.read(name) == "precious");
      CHECK(std::distance(std::filesystem::directory_iterator(folder / "out"), {}) == 1);
    }
    MigrationOptions options = into(folder / "out");
    options.overwrite = true;
    CHECK(outcome(migrate(ova, options)) == "ok");
    CHECK(folder.read("out/web-01.loss.json") != "precious");
  }

  TEST_CASE("the plan knows the options of the targets") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    for (const char* destination : {"out", "out.ova"}) {
      CAPTURE(destination);
      MigrationOptions options = into(folder / destination);
      options.disk_options = {{"no_such", "option"}};
      CHECK(outcome(Migration::prepare(ova, options)) == "InvalidArgument");
    }
  }

  TEST_CASE("a damaged package leaves nothing, not even the folder") {
    TemporaryFolder folder;
    const std::string second = some_bytes(512 << 10, 2);
    std::string ova = appliance_of_three().ova();
    ova[ova.find(second) + 1000] ^= 1;
    folder.write("web-01.ova", ova);
    CHECK(outcome(migrate(folder / "web-01.ova", into(folder / "out"))) == "ChecksumMismatch");
    CHECK(folder.names() == std::vector<std::string>{"web-01.ova"});
    CHECK(folder.read("web-01.ova") == ova);
  }

  TEST_CASE("a second disk that cannot be read takes the first one with it") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.flat_disk("one", some_bytes(1 << 20, 4));
    // Its descriptor promises more than its extent has.
    appliance.disk({.href = "two.vmdk", .capacity = 1 << 20})
        .file("two.vmdk", flat_descriptor("two-flat.vmdk", 2048))
        .file("two-flat.vmdk", some_bytes(4096, 5));
    const std::string ova = appliance.write_ova(folder);
    CHECK(outcome(migrate(ova, into(folder / "out"))) == "Truncated");
    CHECK(folder.names() == std::vector<std::string>{"web.ova"});
  }

  TEST_CASE("a target that runs out of room takes everything back") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    Migration migration = must(Migration::prepare(ova, into(folder / "out")));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{700 << 10, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto report = migration.run();
    ::setrlimit(RLIMIT_FSIZE, &before);
    CHECK(outcome(report) == "NoSpace");
    CHECK(folder.names() == std::vector<std::string>{"web-01.ova"});
  }

  TEST_CASE("a cancel at any point leaves nothing behind") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    for (int reports = 0; reports < 4; ++reports) {
      CAPTURE(reports);
      std::stop_source stop;
      MigrationRunOptions run;
      run.stop = stop.get_token();
      int seen = 0;
      if (reports == 0) stop.request_stop();
      run.progress = [&](const MigrationProgress&) {
        if (++seen == reports) stop.request_stop();
      };
      CHECK(outcome(migrate(ova, into(folder / "out"), run)) == "Cancelled");
      CHECK(folder.names() == std::vector<std::string>{"web-01.ova"});
    }
  }

  TEST_CASE("a folder that was there stays, with what was in it") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.flat_disk("disk", some_bytes(4096, 6))
        .manifest_text("SHA1(disk.vmdk)= " + std::string(40, '0'));
    folder.write("out/notes.txt", "mine");
    CHECK(outcome(migrate(appliance.write_ova(folder), into(folder / "out"))) ==
          "ChecksumMismatch");
    CHECK(folder.read("out/notes.txt") == "mine");
    CHECK(std::distance(std::filesystem::directory_iterator(folder / "out"), {}) == 1);
  }

  TEST_CASE("machines that cannot be moved as they are get a plan and no run") {
    TemporaryFolder folder;
    folder.write("d.vmdk", flat_descriptor("d-flat.vmdk", 8));
    folder.write("d-flat.vmdk", some_bytes(4096, 7));
    const auto attempt = [&](const std::string& vmx, bool ignore_locks = false) {
      MigrationOptions options = into(folder / "out");
      options.ignore_locks = ignore_locks;
      Migration migration = must(Migration::prepare(vmx, options));
      const std::string result = outcome(migration.run());
      const auto& concerns = migration.plan().concerns;
      const bool blocked = std::ranges::any_of(concerns, [](const vm::Concern& concern) {
        return concern.severity == vm::Severity::blocker;
      });
      CHECK(blocked == (result != "ok"));
      CHECK(std::filesystem::exists(folder / "out") == (result == "ok"));
      std::filesystem::remove_all(folder / "out");
      return result;
    };
    const std::string vmx = folder.write("web.vmx", vmx_text("web", {"d.vmdk"}));
    SUBCASE("suspended") {
      folder.write("web.vmss", "memory");
      CHECK(attempt(vmx) == "UnsupportedFeature");
    }
    SUBCASE("locked, unless the lock is stale") {
      std::filesystem::create_directory(folder / "d.vmdk.lck");
      CHECK(attempt(vmx) == "InUse");
      CHECK(attempt(vmx, true) == "ok");
    }
    SUBCASE("encrypted") {
      CHECK(attempt(folder.write("secret.vmx",
                                 vmx_text("secret", {"d.vmdk"},
                                          "encryption.keySafe = \"vmware:key/list/(pair/(x))\"\n"
                                          "encryption.data = \"abcd\"\n"))) == "Encrypted");
    }
  }

  TEST_CASE("what a definition names twice or outside is refused before anything is written") {
    TemporaryFolder folder;
    folder.write("d.vmdk", flat_descriptor("d-flat.vmdk", 8));
    folder.write("d-flat.vmdk", some_bytes(4096, 8));
    const auto attempt = [&](const std::vector<std::string>& disks) {
      const std::string vmx = folder.write("web.vmx", vmx_text("web", disks));
      return outcome(Migration::prepare(vmx, into(folder / "out")));
    };
    CHECK(attempt({"d.vmdk"}) == "ok");
    CHECK(attempt({"d.vmdk", "d.vmdk"}) == "BadVmx");
    CHECK(attempt({"../d.vmdk"}) == "ReferenceDenied");
    CHECK(attempt({"/vmfs/volumes/ds/d.vmdk"}) == "ReferenceDenied");
    CHECK(attempt({"gone.vmdk"}) == "MissingExtent");
    CHECK_FALSE(std::filesystem::exists(folder / "out"));
  }

  TEST_CASE("options that mean nothing are refused") {
    TemporaryFolder folder;
    const std::string ova = appliance_of_three().write_ova(folder);
    const auto attempt = [&](auto change) {
      MigrationOptions options = into(folder / "out");
      change(options);
      return outcome(Migration::prepare(ova, options));
    };
    CHECK(attempt([](auto& options) { options.destination = ""; }) == "InvalidArgument");
    CHECK(attempt([](auto& options) { options.disk_format = "vmdk"; }) == "InvalidArgument");
    CHECK(attempt([](auto& options) { options.profile = "fast"; }) == "InvalidArgument");
    CHECK(attempt([](auto& options) { options.resume = true; }) == "UnsupportedFeature");
    CHECK(attempt([&](auto& options) { options.destination = folder / "no/such/out"; }) ==
          "NotFound");
    CHECK(attempt([&](auto& options) { options.destination = folder.write("file", "a"); }) ==
          "InvalidArgument");
  }

  TEST_CASE("a package that changes while it is read is SourceChanged") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.flat_disk("disk", some_bytes(1 << 20, 9));
    const std::string ova = appliance.write_ova(folder);
    Migration migration = must(Migration::prepare(ova, into(folder / "out")));
    std::filesystem::last_write_time(
        ova, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    CHECK(outcome(migration.run()) == "SourceChanged");
    CHECK(folder.names() == std::vector<std::string>{"web.ova"});
  }
}
