// Machines packed into an OVA: read back by vmlift, and by others.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/appliance_builder.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/migrate.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Two disks with data, a blank one between.
std::string source(const TemporaryFolder& folder) {
  return Appliance("db")
      .flat_disk("system", some_bytes(1 << 20, 1))
      .blank_disk(8 << 20)
      .flat_disk("data", some_bytes(300 << 10, 2))
      .manifest()
      .write_ova(folder);
}

Result<MigrationReport> pack(const std::string& from, const std::string& ova,
                             const MigrationRunOptions& run = {}) {
  MigrationOptions options;
  options.destination = ova;
  options.verify = true;
  auto migration = Migration::prepare(from, options);
  if (!migration) return std::unexpected(migration.error());
  return migration->run(run);
}

std::string read_all(const Package& package, const vm::Drive& drive) {
  const auto disk = must(package.open_disk(drive));
  std::string bytes(disk->size(), '\0');
  must(disk->read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

std::size_t files_in(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

}  // namespace

TEST_SUITE("migrate") {
  TEST_CASE("a machine packed into an OVA is read back as it was") {
    const TemporaryFolder folder;
    must(pack(source(folder), folder / "copy.ova"));
    const Package package = must(Package::open(folder / "copy.ova"));
    // Descriptor, manifest, then the disks in the order of the references.
    std::vector<std::string> names;
    for (const PackageFile& file : package.files()) names.push_back(file.name);
    CHECK(names == std::vector<std::string>{"copy.ovf", "copy.mf", "copy-disk1.vmdk",
                                            "copy-disk2.vmdk", "copy-disk3.vmdk"});
    REQUIRE(package.manifest());
    const Package::Verified verified = must(package.verify_manifest());
    CHECK(verified.files == 4);
    CHECK(verified.unlisted.empty());
    const auto& disks = package.definition().machines.at(0).disks;
    REQUIRE(disks.size() == 3);
    CHECK(read_all(package, disks[0]) == some_bytes(1 << 20, 1));
    CHECK(disks[0].capacity == 1 << 20);
    CHECK(read_all(package, disks[1]) == std::string(8 << 20, '\0'));
    CHECK(disks[1].capacity == 8 << 20);
    CHECK(read_all(package, disks[2]) == some_bytes(300 << 10, 2));
    CHECK(must(must(package.open_disk(disks[0]))->info()).subformat == "streamOptimized");
    CHECK(folder.read("copy.loss.json").find("\"entries\"") != std::string::npos);
  }

  TEST_CASE("the descriptor tells the sizes that the disks came to have") {
    const TemporaryFolder folder;
    const std::string from = source(folder);
    must(pack(from, folder / "one.ova"));
    const Package package = must(Package::open(folder / "one.ova"));
    for (const PackageFile& file : package.files()) {
      const std::string size = "ovf:size=\"" + std::to_string(file.size) + "\"";
      if (file.name.ends_with(".vmdk"))
        CHECK(package.definition_text().find(size) != std::string::npos);
    }
  }

  TEST_CASE("an OVA is complete or absent") {
    const TemporaryFolder folder;
    const std::string from = source(folder);
    std::uint64_t bytes = 0;
    MigrationRunOptions run;
    run.progress = [&](const MigrationProgress& progress) { bytes = progress.total; };
    must(pack(from, folder / "whole.ova", run));
    const std::size_t before = files_in(folder);
    for (const std::uint64_t limit : {std::uint64_t{1}, bytes / 4, bytes / 2, bytes - 1}) {
      CAPTURE(limit);
      std::stop_source stop;
      MigrationRunOptions cancelled;
      cancelled.stop = stop.get_token();
      cancelled.progress = [&](const MigrationProgress& progress) {
        if (progress.done >= limit) stop.request_stop();
      };
      CHECK(outcome(pack(from, folder / "half.ova", cancelled)) == "Cancelled");
      CHECK(files_in(folder) == before);
    }
    CHECK(outcome(pack(from, folder / "whole.ova")) == "Exists");
    CHECK(outcome(pack(from, folder / "no/such/x.ova")) == "NotFound");
    CHECK(files_in(folder) == before);
  }

  TEST_CASE("what an OVA cannot be made of is refused before anything is written") {
    const TemporaryFolder folder;
    const std::string from = source(folder);
    MigrationOptions options;
    options.destination = folder / "x.ova";
    options.disk_format = "qcow2";
    CHECK(outcome(Migration::prepare(from, options)) == "InvalidArgument");
    options.disk_format.clear();
    options.disk_options = {{"subformat", "monolithicSparse"}};
    CHECK(outcome(Migration::prepare(from, options)) == "InvalidArgument");
    CHECK(files_in(folder) == 1);
  }

  TEST_CASE("tar, the OVF schema and virt-v2v take the OVA") {
    const TemporaryFolder folder;
    must(pack(source(folder), folder / "copy.ova"));
    const CommandResult listed = run_command({"tar", "-tf", folder / "copy.ova"});
    INFO(listed.output);
    CHECK(listed.status == 0);
    if (!have_command("virt-v2v")) return skip("virt-v2v is absent");
    const CommandResult read = run_command({"env", "LIBGUESTFS_BACKEND=direct", "virt-v2v", "-i",
                                            "ova", folder / "copy.ova", "--print-source"});
    INFO(read.output);
    CHECK(read.status == 0);
    CHECK(read.output.find("source name: db") != std::string::npos);
    const char* const shared = std::getenv("VMLIFT_SHARED_DATA");
    const std::string schema = std::string(shared == nullptr ? "" : shared) + "/ovf-schema";
    if (!have_command("xmllint") || !std::filesystem::exists(schema))
      return skip("xmllint or the OVF schema is absent");
    const std::string ovf =
        folder.write("copy.ovf", must(Package::open(folder / "copy.ova")).definition_text());
    const CommandResult valid =
        run_command({"xmllint", "--nonet", "--noout", "--schema", schema + "/DSP8023.xsd", ovf});
    INFO(valid.output);
    CHECK(valid.status == 0);
  }
}
