// Hostile packages, opened as a user would open them: each is a named error, at once, in little
// memory, and nothing but the package is opened.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "base/bytes.hpp"
#include "support/appliance_builder.hpp"
#include "support/compress.hpp"
#include "support/fate.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/tar_builder.hpp"
#include "vmlift/package.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Opens the package, checks its manifest and reads its disks; the first error's name, or "ok".
std::string read_through(const std::string& location) {
  const auto package = Package::open(location);
  if (!package) return outcome(package);
  if (package->manifest()) {
    if (const auto verified = package->verify_manifest(); !verified) return outcome(verified);
  }
  for (const vm::Machine& machine : package->definition().machines) {
    for (const vm::Drive& drive : machine.disks) {
      const auto disk = package->open_disk(drive);
      if (!disk) return outcome(disk);
      std::vector<std::byte> bytes((*disk)->size());
      if (const auto read = (*disk)->read(0, bytes); !read) return outcome(read);
    }
  }
  return "ok";
}

std::string fate_of(std::string_view package) {
  TemporaryFolder outside;
  outside.write("secret.vmdk", "secret");
  const std::string path = outside.write("in/web.ova", package);
  const Bounds bounds(std::filesystem::path(path).parent_path());
  return read_through(path);
}

const std::string kDiskBytes(64 << 10, 'd');

Appliance sound() {
  Appliance appliance("web");
  appliance.flat_disk("disk", kDiskBytes);
  return appliance;
}

/// An archive with a sound OVF in front of what is wrong.
TarBuilder with_ovf() {
  TarBuilder tar;
  for (const ApplianceFile& file : sound().files()) tar.file(file.name, file.content);
  return tar;
}

std::string with_header(const TarBuilder::Header& header) {
  return with_ovf().header(header).finish();
}

std::string with_href(const std::string& href) {
  Appliance appliance("web");
  appliance.disk({.href = href, .capacity = 512}).file("disk.vmdk", "x");
  return appliance.ova();
}

std::string with_manifest(const std::string& line) {
  return sound().manifest_text(line + "\n").ova();
}

struct BadPackage {
  const char* what;
  const char* expected;
  std::function<std::string()> build;
};

const BadPackage kBadPackages[] = {
    {"nothing wrong", "ok", [] { return sound().manifest().ova(); }},
    {"a member above the archive", "BadArchive",
     [] { return with_ovf().file("../evil", "x").finish(); }},
    {"an absolute member", "BadArchive", [] { return with_ovf().file("/etc/evil", "x").finish(); }},
    {"a pax path above the archive", "BadArchive",
     [] { return with_ovf().pax("path", "../../evil").file("ok", "x").finish(); }},
    {"a symbolic link and a file through it", "BadArchive",
     [] {
       return with_ovf()
           .header({.name = "d", .size_field = octal_size(0), .type = '2', .link_name = "/etc"})
           .file("d/passwd", "x")
           .finish();
     }},
    {"a hard link", "BadArchive",
     [] {
       return with_header({.name = "disk2.vmdk",
                           .size_field = octal_size(0),
                           .type = '1',
                           .link_name = "/etc/passwd"});
     }},
    {"a device", "BadArchive",
     [] { return with_header({.name = "dev", .size_field = octal_size(0), .type = '4'}); }},
    {"a FIFO", "BadArchive",
     [] { return with_header({.name = "fifo", .size_field = octal_size(0), .type = '6'}); }},
    {"an href above the package", "ReferenceDenied", [] { return with_href("../secret.vmdk"); }},
    {"an absolute href", "ReferenceDenied", [] { return with_href("/etc/passwd"); }},
    {"an href with an escaped slash", "ReferenceDenied",
     [] { return with_href("..%2fsecret.vmdk"); }},
    {"an href of a server", "ReferenceDenied", [] { return with_href("http://127.0.0.1:1/d"); }},
    {"two definitions", "BadArchive", [] { return with_ovf().file("b.ovf", "x").finish(); }},
    {"a disk that is there twice", "BadArchive",
     [] { return with_ovf().file("disk.vmdk", "x").finish(); }},
    {"a manifest that names a device", "BadManifest",
     [] { return with_manifest("SHA256(../../../../dev/zero)= " + std::string(64, '0')); }},
    {"a manifest that names no member", "BadManifest",
     [] { return with_manifest("SHA256(other.vmdk)= " + std::string(64, '0')); }},
    {"a wrong digest", "ChecksumMismatch",
     [] { return with_manifest("SHA256(disk-flat.vmdk)= " + std::string(64, '0')); }},
    {"a negative size", "BadArchive",
     [] { return with_header({.name = "n", .size_field = base256_size(-1)}); }},
    {"a pax size of 2^64 - 1", "Truncated",
     [] { return with_ovf().pax("size", "18446744073709551615").file("d", "x").finish(); }},
    {"a pax size of 2^64", "BadArchive",
     [] { return with_ovf().pax("size", "18446744073709551616").file("d", "x").finish(); }},
    {"a size of 2^62", "Truncated",
     [] { return with_header({.name = "n", .size_field = base256_size(std::int64_t{1} << 62)}); }},
    {"a wrong header checksum", "BadArchive",
     [] { return with_header({.name = "n", .size_field = octal_size(0), .checksum = false}); }},
    {"an archive cut in half", "Truncated",
     [] {
       const std::string ova = sound().ova();
       return ova.substr(0, ova.size() / 2);
     }},
    {"a name of 4 GiB", "Limit",
     [] {
       return with_header(
           {.name = "L", .size_field = octal_size(std::uint64_t{4} << 30), .type = 'L'});
     }},
    {"a pax header of 4 GiB", "Limit",
     [] {
       return with_header(
           {.name = "x", .size_field = octal_size(std::uint64_t{4} << 30), .type = 'x'});
     }},
    {"20,000 members and no definition", "BadArchive",
     [] {
       TarBuilder tar;
       for (int n = 0; n < 20000; ++n) tar.file("file" + std::to_string(n), "");
       return tar.finish();
     }},
    {"70,000 members", "Limit",
     [] {
       TarBuilder tar;
       for (int n = 0; n < 70000; ++n) tar.file("file" + std::to_string(n), "");
       return tar.finish();
     }},
    {"a packed disk of another size", "Corrupt",
     [] {
       const std::string plain = flat_descriptor("disk-flat.vmdk", kDiskBytes.size() / 512);
       Appliance appliance("web");
       appliance
           .disk({.href = "disk.vmdk.gz",
                  .capacity = kDiskBytes.size(),
                  .attributes = "ovf:compression=\"gzip\" ovf:size=\"" +
                                std::to_string(plain.size() + 1) + "\""})
           .file("disk.vmdk.gz", gzip_of(plain))
           .file("disk-flat.vmdk", kDiskBytes);
       return appliance.ova();
     }},
    {"a sparse member", "UnsupportedFeature",
     [] { return with_header({.name = "s", .size_field = octal_size(0), .type = 'S'}); }},
    {"a pax sparse member", "UnsupportedFeature",
     [] { return with_ovf().pax("GNU.sparse.major", "1").file("s", "x").finish(); }},
};

}  // namespace

TEST_SUITE("hostile packages") {
  TEST_CASE("each bad archive is its named error, at once and in little memory") {
    for (const BadPackage& bad : kBadPackages) {
      INFO(bad.what);
      CHECK(fate_of(bad.build()) == bad.expected);
    }
  }

  TEST_CASE("a folder's definition reaches nothing outside, by name, link, device or FIFO") {
    TemporaryFolder folder;
    folder.write("secret.vmdk", flat_descriptor("x", 1));
    folder.write("in/sub/here", "");
    std::filesystem::create_symlink("../secret.vmdk", folder / "in/link.vmdk");
    std::filesystem::create_symlink("/dev/zero", folder / "in/zero.vmdk");
    for (const std::string href :
         {"../secret.vmdk", "link.vmdk", "zero.vmdk", "/dev/zero", "sub/../../secret.vmdk"}) {
      CAPTURE(href);
      Appliance appliance("web");
      appliance.disk({.href = href, .capacity = 512});
      folder.write("in/web.ovf", appliance.ovf());
      folder.write("in/web.vmx", vmx_text("web", {href}));
      for (const char* definition : {"in/web.ovf", "in/web.vmx"}) {
        const Bounds bounds(folder / "in");
        CHECK(read_through(folder / definition) == "ReferenceDenied");
      }
    }
  }
}
