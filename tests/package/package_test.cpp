#include "vmlift/package.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "support/appliance_builder.hpp"
#include "support/compress.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/tar_builder.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string read_all(const Disk& disk) {
  std::string bytes(disk.size(), '\0');
  must(disk.read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

const vm::Drive& drive_of(const Package& package, std::size_t index = 0) {
  REQUIRE(package.definition().machines.size() == 1);
  REQUIRE(package.definition().machines.front().disks.size() > index);
  return package.definition().machines.front().disks[index];
}

/// The outcome of opening the first disk of an OVA whose OVF gives it this href.
std::string outcome_of_href(const std::string& href) {
  TemporaryFolder folder;
  folder.write("secret.vmdk", "secret");
  Appliance appliance("web");
  appliance.disk({.href = href, .capacity = 512}).file("disk.vmdk", "x");
  const Package package = must(Package::open(appliance.write_ova(folder)));
  return outcome(package.open_disk(drive_of(package)));
}

}  // namespace

TEST_SUITE("package") {
  TEST_CASE("an OVA is read in place, its disks with what they refer to") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(1 << 20, 1);
    Appliance appliance("web");
    appliance.flat_disk("disk 1", bytes).blank_disk(1 << 30).manifest();
    const std::string ova = appliance.write_ova(folder);
    const Package package = must(Package::open(ova));
    CHECK(package.kind() == PackageKind::ova);
    CHECK(package.location() == ova);
    CHECK(package.definition_name() == "web.ovf");
    CHECK(package.definition_text() == appliance.ovf());
    CHECK(package.files().size() == 4);
    CHECK(package.definition().machines.front().identity.name == "web");

    const vm::Drive& drive = drive_of(package);
    CHECK(package.disk_location(drive) == ova + "!disk 1.vmdk");
    CHECK(read_all(*must(package.open_disk(drive))) == bytes);
    CHECK(read_all(*must(open_disk(package.disk_location(drive), {.format = "vmdk"}))) == bytes);
    CHECK(outcome(package.open_disk(drive_of(package, 1))) == "InvalidArgument");
    CHECK(package.disk_location(drive_of(package, 1)).empty());
    CHECK(folder.names() == std::vector<std::string>{"web.ova"});
  }

  TEST_CASE("an OVF is a package with the files beside it, by its name or its folder") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(64 << 10, 2);
    const std::string ovf =
        Appliance("web").flat_disk("disk", bytes).manifest().write_files(folder);
    for (const std::string& location : {ovf, folder.path()}) {
      CAPTURE(location);
      const Package package = must(Package::open(location));
      CHECK(package.kind() == PackageKind::ovf);
      CHECK(read_all(*must(package.open_disk(drive_of(package)))) == bytes);
      CHECK(must(package.verify_manifest()).files == 3);
    }
    folder.write("other.vmx", vmx_text("other", {}));
    CHECK(outcome(Package::open(folder.path())) == "InvalidArgument");
  }

  TEST_CASE("an OVF or VMX alone is a package whose disks are missing") {
    TemporaryFolder folder;
    const std::string ovf =
        folder.write("web.ovf", Appliance("web").disk({.href = "d.vmdk", .capacity = 512}).ovf());
    const std::string vmx = folder.write("web.vmx", vmx_text("web", {"d.vmdk"}));
    for (const std::string& location : {ovf, vmx}) {
      const Package package = must(Package::open(location));
      CHECK(outcome(package.open_disk(drive_of(package))) == "MissingExtent");
    }
  }

  TEST_CASE("a VMX is a package with what VMware leaves beside it") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(64 << 10, 3);
    folder.write("disk.vmdk", flat_descriptor("disk-flat.vmdk", 128));
    folder.write("disk-flat.vmdk", bytes);
    const std::string vmx = folder.write("web.vmx", vmx_text("web", {"disk.vmdk"}));
    {
      const Package package = must(Package::open(vmx));
      CHECK(package.kind() == PackageKind::vmx);
      CHECK(read_all(*must(package.open_disk(drive_of(package)))) == bytes);
      CHECK(package.locks().empty());
      CHECK_FALSE(package.definition().machines.front().suspended);
    }
    SUBCASE("locks of the machine and its disks, of nobody else") {
      std::filesystem::create_directory(folder / "web.vmx.lck");
      std::filesystem::create_directory(folder / "disk.vmdk.lck");
      std::filesystem::create_directory(folder / "other.vmx.lck");
      folder.write(".lck-0123456789abcdef", "");
      CHECK(must(Package::open(vmx)).locks() ==
            std::vector<std::string>{".lck-0123456789abcdef", "disk.vmdk.lck", "web.vmx.lck"});
    }
    SUBCASE("suspended memory") {
      folder.write("web-1a2b3c4d.vmss", "");
      CHECK(must(Package::open(vmx)).definition().machines.front().suspended);
    }
    SUBCASE("the list of snapshots") {
      folder.write("web.vmsd",
                   ".encoding = \"UTF-8\"\nsnapshot.lastUID = \"1\"\nsnapshot.current = \"1\"\n"
                   "snapshot0.uid = \"1\"\nsnapshot0.displayName = \"before update\"\n"
                   "snapshot.numSnapshots = \"1\"\n");
      const Package package = must(Package::open(vmx));
      REQUIRE(package.definition().machines.front().snapshots.size() == 1);
      CHECK(package.definition().machines.front().snapshots.front().name == "before update");
    }
  }

  TEST_CASE("an href that leads out of the package is ReferenceDenied when the disk is opened") {
    for (const char* href : {"../secret.vmdk", "/etc/passwd", "..%2fsecret.vmdk",
                             "%2e%2e/secret.vmdk", "%2fetc%2fpasswd", "http://localhost/disk.vmdk",
                             "file:///etc/passwd", "sub/../../secret.vmdk"}) {
      CAPTURE(href);
      CHECK(outcome_of_href(href) == "ReferenceDenied");
    }
    CHECK(outcome_of_href("missing.vmdk") == "MissingExtent");
    // A name that only looks like the archive's own member is never looked up on the host.
    CHECK(outcome_of_href("secret.vmdk") == "MissingExtent");
  }

  TEST_CASE("a folder's hrefs stay in the folder, links included") {
    TemporaryFolder folder;
    folder.write("secret.vmdk", flat_descriptor("x", 1));
    Appliance appliance("web");
    appliance.disk({.href = "link.vmdk", .capacity = 512});
    folder.write("package/web.ovf", appliance.ovf());
    std::filesystem::create_symlink("../secret.vmdk", folder / "package/link.vmdk");
    const Package package = must(Package::open(folder / "package/web.ovf"));
    CHECK(outcome(package.open_disk(drive_of(package))) == "ReferenceDenied");
  }

  TEST_CASE("the policy widens and narrows what a definition may name") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(4096, 4);
    folder.write("disks/d.vmdk", flat_descriptor("d-flat.vmdk", 8));
    folder.write("disks/d-flat.vmdk", bytes);
    const std::string absolute =
        folder.write("web.vmx", vmx_text("web", {folder / "disks/d.vmdk"}));
    const auto open_first = [](const std::string& location, OpenPolicy policy) {
      const Package package = must(Package::open(location, {.policy = std::move(policy)}));
      return outcome(package.open_disk(drive_of(package)));
    };
    using References = OpenPolicy::References;
    CHECK(open_first(absolute, {}) == "ReferenceDenied");
    CHECK(open_first(absolute, {.references = References::any}) == "ok");
    const std::string below = folder.write("sub.vmx", vmx_text("sub", {"disks/d.vmdk"}));
    CHECK(open_first(below, {}) == "ok");
    CHECK(open_first(below, {.references = References::deny}) == "ReferenceDenied");
    const std::string bare = folder.write("bare.vmx", vmx_text("bare", {"d.vmdk"}));
    CHECK(open_first(bare, {.references = References::under, .directory = folder / "disks"}) ==
          "ok");
    // An archive's members are parts of the file that was named.
    const std::string ova = Appliance("web").flat_disk("d", bytes).write_ova(folder);
    CHECK(outcome(Package::open(ova, {.policy = {.references = References::deny}})) == "ok");
  }

  TEST_CASE("archives that are no OVA are named as what they are") {
    TemporaryFolder folder;
    const auto opened = [&](const std::string& content, const std::string& name = "x.ova") {
      return outcome(Package::open(folder.write(name, content)));
    };
    const std::string ovf = Appliance("web").ovf();
    CHECK(opened(TarBuilder().file("disk.vmdk", "x").finish()) == "BadArchive");
    CHECK(opened(TarBuilder().file("a.ovf", ovf).file("b.ovf", ovf).finish()) == "BadArchive");
    CHECK(opened(TarBuilder().file("._a.ovf", "mac").file("a.ovf", ovf).finish()) == "ok");
    CHECK(opened(TarBuilder().file("sub/A.OVF", ovf).finish()) == "ok");
    CHECK(opened(std::string(5000, 'x')) == "BadArchive");
    CHECK(opened("") == "Truncated");
    CHECK(opened(TarBuilder().file("a.ovf", ovf).unfinished()) == "Truncated");
    CHECK(opened("PK\x03\x04 and so on") == "UnsupportedFeature");
    CHECK(opened("nothing anybody knows", "x.txt") == "UnsupportedFeature");
    CHECK(outcome(Package::open(folder / "none.ova")) == "NotFound");
  }

  TEST_CASE("an OVF in a folder of the archive finds its files in that folder") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(8192, 5);
    Appliance appliance("web");
    appliance.flat_disk("disk", bytes).manifest();
    TarBuilder tar;
    for (const ApplianceFile& file : appliance.files())
      tar.file("./web/" + file.name, file.content);
    const std::string ova = folder.write("web.ova", tar.finish());
    const Package package = must(Package::open(ova));
    CHECK(package.disk_location(drive_of(package)) == ova + "!web/disk.vmdk");
    CHECK(read_all(*must(package.open_disk(drive_of(package)))) == bytes);
    CHECK(must(package.verify_manifest()).files == 3);
  }

  TEST_CASE("a compressed OVA is read as the archive it is") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(64 << 10, 10);
    Appliance appliance("web");
    appliance.flat_disk("disk", bytes).manifest();
    for (const std::string& location : {folder.write("a.ova.gz", gzip_of(appliance.ova())),
                                        folder.write("b.ova", xz_of(appliance.ova()))}) {
      CAPTURE(location);
      const Package package = must(Package::open(location));
      CHECK(package.kind() == PackageKind::ova);
      CHECK(read_all(*must(package.open_disk(drive_of(package)))) == bytes);
      CHECK(read_all(*must(
                open_disk(package.disk_location(drive_of(package)), {.format = "vmdk"}))) == bytes);
      CHECK(must(package.verify_manifest()).files == 3);
    }
    const std::string packed = gzip_of(appliance.ova());
    CHECK(outcome(Package::open(folder.write("c.ova", packed.substr(0, packed.size() / 2)))) ==
          "Truncated");
  }

  TEST_CASE("disks that the OVF says are compressed or cut into chunks are put together") {
    TemporaryFolder folder;
    const std::string plain = some_bytes(1 << 20, 11);
    const std::string descriptor = flat_descriptor("disk-flat.vmdk", plain.size() / 512);
    const std::string packed = gzip_of(descriptor);
    const auto open_first = [&](const Appliance& appliance) {
      const Package package = must(Package::open(appliance.write_ova(folder)));
      auto disk = package.open_disk(drive_of(package));
      if (disk) CHECK(read_all(**disk) == plain);
      return outcome(disk);
    };
    const auto stored_as = [&](const std::string& attributes) {
      Appliance appliance("web");
      appliance.disk(
          {.href = "disk%20one.vmdk", .capacity = plain.size(), .attributes = attributes});
      appliance.file("disk-flat.vmdk", plain);
      return appliance;
    };
    const std::string gzip = "ovf:compression=\"gzip\" ";
    CHECK(open_first(stored_as(gzip).file("disk one.vmdk", packed)) == "ok");
    CHECK(open_first(stored_as("").file("disk one.vmdk", packed)) == "ok");  // nobody said so
    CHECK(open_first(stored_as("ovf:compression=\"identity\"").file("disk one.vmdk", descriptor)) ==
          "ok");
    CHECK(open_first(stored_as("ovf:compression=\"bzip2\"").file("disk one.vmdk", "x")) ==
          "UnsupportedFeature");
    CHECK(open_first(stored_as(gzip).file("disk one.vmdk", packed.substr(0, 50))) == "Truncated");

    const auto chunks_of = [](Appliance appliance, const std::string& whole, std::size_t size) {
      for (std::size_t at = 0, number = 0; at < whole.size(); at += size, ++number) {
        appliance.file("disk one.vmdk.00000000" + std::to_string(number), whole.substr(at, size));
      }
      return appliance;
    };
    const std::string chunked = "ovf:chunkSize=\"100\" ";
    CHECK(open_first(chunks_of(stored_as(chunked), descriptor, 100)) == "ok");
    CHECK(open_first(chunks_of(stored_as(gzip + chunked), packed, 100)) == "ok");
    CHECK(open_first(chunks_of(stored_as(chunked), descriptor, 90)) == "Corrupt");
    CHECK(open_first(chunks_of(stored_as(chunked), descriptor, 110)) == "Corrupt");
    CHECK(open_first(stored_as(chunked).file("disk one.vmdk", descriptor)) == "MissingExtent");
    CHECK(outcome(Package::open(stored_as("ovf:chunkSize=\"0\"").write_ova(folder))) == "BadOvf");
    CHECK(outcome(Package::open(stored_as("ovf:chunkSize=\"x\"").write_ova(folder))) == "BadOvf");

    const auto sized = [&](std::size_t size) {
      return stored_as(gzip + "ovf:size=\"" + std::to_string(size) + "\"")
          .file("disk one.vmdk", packed);
    };
    CHECK(open_first(sized(packed.size())) == "ok");
    CHECK(open_first(sized(descriptor.size())) == "ok");
    CHECK(open_first(sized(descriptor.size() + 1)) == "Corrupt");
  }
}

TEST_SUITE("manifests") {
  TEST_CASE("every file is hashed with the algorithm its line names") {
    for (const auto algorithm :
         {DigestAlgorithm::sha1, DigestAlgorithm::sha256, DigestAlgorithm::sha512}) {
      TemporaryFolder folder;
      Appliance appliance("web");
      appliance.flat_disk("disk", some_bytes(3 << 20, 6)).manifest(algorithm);
      const Package package = must(Package::open(appliance.write_ova(folder)));
      std::uint64_t last = 0;
      Package::VerifyOptions options;
      options.progress = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(done >= last);
        CHECK(done <= total);
        last = done;
      };
      const auto verified = must(package.verify_manifest(options));
      CHECK(verified.files == 3);
      CHECK(verified.unlisted.empty());
      CHECK(last == verified.bytes);
    }
  }

  TEST_CASE("one changed bit is ChecksumMismatch and names the file") {
    TemporaryFolder folder;
    const std::string bytes = some_bytes(100 << 10, 7);
    Appliance appliance("web");
    appliance.flat_disk("disk", bytes).manifest();
    std::string ova = appliance.ova();
    ova[ova.find(bytes) + 70000] ^= 1;
    const Package package = must(Package::open(folder.write("web.ova", ova)));
    const auto verified = package.verify_manifest();
    REQUIRE(outcome(verified) == "ChecksumMismatch");
    CHECK(verified.error().message().find("disk-flat.vmdk") != std::string::npos);
  }

  TEST_CASE("an entry that is no file of the package is BadManifest and opens nothing else") {
    const std::string digest(64, '0');
    for (const char* name : {"missing.vmdk", "../../../../dev/zero", "/dev/zero", "/etc/passwd"}) {
      CAPTURE(name);
      TemporaryFolder folder;
      Appliance appliance("web");
      appliance.manifest_text("SHA256(" + std::string(name) + ")= " + digest + "\n");
      const std::string ova = appliance.write_ova(folder);
      const std::string ovf = appliance.write_files(folder);
      for (const std::string& location : {ova, ovf}) {
        const Package package = must(Package::open(location));
        CHECK(outcome(package.verify_manifest()) == "BadManifest");
        Package::VerifyOptions look;
        look.hash = false;
        CHECK(outcome(package.verify_manifest(look)) == "BadManifest");
      }
    }
  }

  TEST_CASE("a manifest that cannot be read refuses the package") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.manifest_text("rubbish");
    CHECK(outcome(Package::open(appliance.write_ova(folder))) == "BadManifest");
  }

  TEST_CASE("files that the manifest leaves out are told") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.flat_disk("disk", some_bytes(4096, 8));
    appliance.manifest_text(manifest_line(DigestAlgorithm::sha256, "web.ovf", appliance.ovf()));
    const Package package = must(Package::open(appliance.write_ova(folder)));
    CHECK(must(package.verify_manifest()).unlisted == std::vector<std::string>{"disk.vmdk"});
  }

  TEST_CASE("a manifest of another name is found, of two the one with the OVF's") {
    TemporaryFolder folder;
    const std::string ovf = Appliance("web").ovf();
    const std::string line = manifest_line(DigestAlgorithm::sha1, "web.ovf", ovf);
    const auto manifest_of = [&](const TarBuilder& tar) {
      const Package package = must(Package::open(folder.write("x.ova", tar.finish())));
      return package.manifest() ? package.manifest()->name : std::string();
    };
    CHECK(manifest_of(TarBuilder().file("web.ovf", ovf).file("odd.mf", line)) == "odd.mf");
    CHECK(
        manifest_of(TarBuilder().file("other.mf", "x").file("web.ovf", ovf).file("web.mf", line)) ==
        "web.mf");
    CHECK(manifest_of(TarBuilder().file("web.ovf", ovf)).empty());
    CHECK(manifest_of(TarBuilder().file("web.ovf", ovf).file("._web.mf", "x")).empty());
  }

  TEST_CASE("a cancel is heard while a manifest is checked") {
    TemporaryFolder folder;
    Appliance appliance("web");
    appliance.flat_disk("disk", some_bytes(2 << 20, 9)).manifest();
    const Package package = must(Package::open(appliance.write_ova(folder)));
    std::stop_source stop;
    stop.request_stop();
    Package::VerifyOptions options;
    options.stop = stop.get_token();
    CHECK(outcome(package.verify_manifest(options)) == "Cancelled");
  }
}
