#include "io/tar.hpp"

#include <doctest/doctest.h>

#include "base/bytes.hpp"
#include "io/archive.hpp"
#include "io/memory_file.hpp"
#include "io/source.hpp"
#include "support/outcome.hpp"
#include "support/tar_builder.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

Result<std::vector<TarMember>> list(std::string_view tar, const Limits& limits = {}) {
  return list_tar(MemoryFile("test.ova", as_bytes(tar)), limits);
}

std::string text_of(const File& file) {
  std::string text(must(file.size()), '\0');
  must(file.read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

/// The outcome of listing an archive with one member of this header.
std::string outcome_of(const TarBuilder::Header& header) {
  return outcome(list(TarBuilder().header(header).finish()));
}

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("a ustar archive is listed with the place of each member") {
    const std::string tar =
        TarBuilder().file("web.ovf", "<Envelope/>").folder("disks/").file("disks/a", "").finish();
    const auto members = must(list(tar));
    REQUIRE(members.size() == 2);
    CHECK(members[0].name == "web.ovf");
    CHECK(members[0].data == Extent{512, 11});
    CHECK(members[1].name == "disks/a");
    CHECK(members[1].data == Extent{2048, 0});
  }

  TEST_CASE("names lose ./ and double slashes, and get their prefix back") {
    const std::string tar =
        TarBuilder()
            .file("./web.ovf", "1")
            .file(".//sub/./disk.vmdk", "2")
            .header({.name = "tail", .size_field = octal_size(0), .prefix = "pre"})
            .finish();
    const auto members = must(list(tar));
    REQUIRE(members.size() == 3);
    CHECK(members[0].name == "web.ovf");
    CHECK(members[1].name == "sub/disk.vmdk");
    CHECK(members[2].name == "pre/tail");
  }

  TEST_CASE("GNU long names, pax paths and pax sizes apply to the next member only") {
    const std::string long_name = std::string(150, 'x') + ".vmdk";
    const std::string tar = TarBuilder()
                                .gnu_long_name(long_name)
                                .file("short", "one")
                                .pax("path", "by-pax.vmdk")
                                .file("short", "two")
                                .pax("size", "5")
                                .header({.name = "sized", .size_field = octal_size(0)})
                                .content("three")
                                .file("short", "four")
                                .finish();
    const auto members = must(list(tar));
    REQUIRE(members.size() == 4);
    CHECK(members[0].name == long_name);
    CHECK(members[1].name == "by-pax.vmdk");
    CHECK(members[2].name == "sized");
    CHECK(members[2].data.length == 5);
    CHECK(members[3].name == "short");
  }

  TEST_CASE("a member above 8 GiB is read by GNU's base-256 size") {
    // Only the headers are there; the 9 GiB between them are a hole.
    const std::uint64_t size = std::uint64_t{9} << 30;
    const std::string head =
        TarBuilder()
            .header(
                {.name = "big.vmdk", .size_field = base256_size(static_cast<std::int64_t>(size))})
            .unfinished();
    MemoryFile file("big.ova", as_bytes(head));
    must(file.resize(512 + size));
    const std::string tail = TarBuilder().file("end", "x").finish();
    must(file.write(512 + size, as_bytes(tail)));
    const auto members = must(list_tar(file, {}));
    REQUIRE(members.size() == 2);
    CHECK(members[0].data == Extent{512, size});
    CHECK(members[1].data.offset == 512 + size + 512);
  }

  TEST_CASE("what the archive's end and the writers' habits leave open is accepted") {
    CHECK(must(list(std::string(1024, '\0'))).empty());
    // One zero block ends an archive as well as two; what follows is never read.
    CHECK(must(list(TarBuilder().file("a", "1").unfinished() + std::string(512, '\0') + "rubbish"))
              .size() == 1);
    CHECK(must(list(TarBuilder().pax("comment", "0123abcd", 'g').file("a", "1").finish())).size() ==
          1);
    CHECK(must(list(TarBuilder()
                        .header(
                            {.name = "old", .size_field = octal_size(0), .type = '\0', .magic = ""})
                        .finish()))
              .front()
              .name == "old");
    CHECK(must(list(TarBuilder().file("._web.ovf", "mac").file("web.ovf", "x").finish())).size() ==
          2);
  }

  TEST_CASE("a name that leads out of the archive is BadArchive") {
    for (const char* name : {"../evil", "/etc/passwd", "a/../../evil", "..", "a\nb", "a\x7f"}) {
      CAPTURE(name);
      CHECK(outcome_of({.name = name, .size_field = octal_size(0)}) == "BadArchive");
      CHECK(outcome(list(TarBuilder().pax("path", name).file("ok", "x").finish())) == "BadArchive");
      CHECK(outcome(list(TarBuilder().gnu_long_name(name).file("ok", "x").finish())) ==
            "BadArchive");
    }
    CHECK(outcome_of({.name = "", .size_field = octal_size(0)}) == "BadArchive");
    CHECK(outcome_of({.name = ".", .size_field = octal_size(0)}) == "BadArchive");
  }

  TEST_CASE("links, devices, FIFOs and unknown types are BadArchive") {
    for (const char type : std::string_view("12346D\x01")) {
      CAPTURE(static_cast<int>(type));
      CHECK(outcome_of({.name = "disk.vmdk",
                        .size_field = octal_size(0),
                        .type = type,
                        .link_name = "/etc/passwd"}) == "BadArchive");
    }
  }

  TEST_CASE("sparse and multi-volume members are UnsupportedFeature") {
    CHECK(outcome_of({.name = "s", .size_field = octal_size(0), .type = 'S'}) ==
          "UnsupportedFeature");
    CHECK(outcome_of({.name = "m", .size_field = octal_size(0), .type = 'M'}) ==
          "UnsupportedFeature");
    CHECK(outcome(list(TarBuilder().pax("GNU.sparse.major", "1").file("s", "x").finish())) ==
          "UnsupportedFeature");
  }

  TEST_CASE("a name that occurs twice is BadArchive, however it is spelt") {
    CHECK(outcome(list(TarBuilder().file("a", "1").file("a", "2").finish())) == "BadArchive");
    CHECK(outcome(list(TarBuilder().file("a", "1").file("./a", "2").finish())) == "BadArchive");
    CHECK(outcome(list(TarBuilder().file("a", "1").pax("path", "a").file("b", "2").finish())) ==
          "BadArchive");
    CHECK(outcome(list(TarBuilder().pax("path", "a").pax("path", "b").file("c", "2").finish())) ==
          "BadArchive");
  }

  TEST_CASE("impossible sizes are BadArchive, sizes beyond the file Truncated") {
    const auto sized = [](std::string field) {
      return outcome_of({.name = "disk", .size_field = std::move(field)});
    };
    CHECK(sized(base256_size(-1)) == "BadArchive");
    CHECK(sized(base256_size(INT64_MIN)) == "BadArchive");
    CHECK(sized(std::string(1, '\x80') + std::string(11, '\xff')) == "BadArchive");  // 2^88 - 1
    CHECK(sized("0000000000x") == "BadArchive");
    CHECK(sized("-0000000001") == "BadArchive");
    CHECK(sized(base256_size(std::int64_t{1} << 62)) == "Truncated");
    CHECK(sized(base256_size(INT64_MAX)) == "Truncated");
    CHECK(sized(octal_size(4096)) == "Truncated");
    for (const char* size : {"-1", "18446744073709551616", "", "1e3", "0x10"}) {
      CAPTURE(size);
      CHECK(outcome(list(TarBuilder().pax("size", size).file("d", "x").finish())) == "BadArchive");
    }
    CHECK(outcome(list(TarBuilder().pax("size", "18446744073709551615").file("d", "x").finish())) ==
          "Truncated");
  }

  TEST_CASE("damaged headers are BadArchive") {
    CHECK(outcome_of({.name = "a", .size_field = octal_size(0), .checksum = false}) ==
          "BadArchive");
    const auto pax_of = [](std::string_view records) {
      return outcome(
          list(TarBuilder()
                   .header({.name = "p", .size_field = octal_size(records.size()), .type = 'x'})
                   .content(records)
                   .file("a", "1")
                   .finish()));
    };
    CHECK(pax_of("11 path=abc\n") == "BadArchive");  // one byte short
    CHECK(pax_of("99999999999999999999 path=a\n") == "BadArchive");
    CHECK(pax_of("13 pathXabcd\n") == "BadArchive");
    CHECK(pax_of("0 ") == "BadArchive");
    CHECK(pax_of("x") == "BadArchive");
    CHECK(pax_of("12 path=abc\n") == "ok");
    CHECK(outcome(list(TarBuilder().pax("size", "1", 'g').file("a", "1").finish())) ==
          "BadArchive");
    CHECK(outcome(list(TarBuilder().file("a", "1").pax("path", "b").finish())) == "BadArchive");
  }

  TEST_CASE("an archive cut anywhere before its end marker is Truncated, never shorter") {
    const std::string tar =
        TarBuilder().file("a", std::string(700, 'a')).pax("path", "b").file("x", "b").finish();
    for (std::size_t length = 0; length < tar.size() - 512; ++length) {
      CAPTURE(length);
      const std::string code = outcome(list(std::string_view(tar).substr(0, length)));
      // Below half a marker the block that should be the next header is simply not there.
      if (length < tar.size() - 1024 + 512) REQUIRE(code == "Truncated");
    }
    CHECK(outcome(list(tar)) == "ok");
  }

  TEST_CASE("names and numbers of members are limited") {
    Limits limits;
    limits.name = 200;
    limits.members = 3;
    CHECK(outcome(list(TarBuilder().gnu_long_name(std::string(200, 'x')).file("a", "").finish(),
                       limits)) == "ok");
    CHECK(outcome(list(TarBuilder().gnu_long_name(std::string(201, 'x')).file("a", "").finish(),
                       limits)) == "Limit");
    CHECK(outcome(list(TarBuilder().pax("path", std::string(201, 'x')).file("a", "").finish(),
                       limits)) == "Limit");
    // A long name that claims 4 GiB is refused before a byte of it is asked for.
    CHECK(
        outcome_of({.name = "L", .size_field = octal_size(std::uint64_t{4} << 30), .type = 'L'}) ==
        "Limit");
    CHECK(
        outcome_of({.name = "x", .size_field = octal_size(std::uint64_t{4} << 30), .type = 'x'}) ==
        "Limit");
    CHECK(
        outcome(list(TarBuilder().file("1", "").file("2", "").file("3", "").file("4", "").finish(),
                     limits)) == "Limit");
  }

  TEST_CASE("a member is a file whose references stay in the archive") {
    const std::string tar = TarBuilder()
                                .file("disks/a.vmdk", "first")
                                .file("disks/b.vmdk", "second")
                                .file("c.vmdk", "third")
                                .finish();
    auto file = std::make_shared<MemoryFile>("x.ova", as_bytes(tar));
    const auto archive = must(Archive::open(file, {}));
    const auto member = must(archive->open_member("disks/a.vmdk"));
    CHECK(member->path() == "x.ova!disks/a.vmdk");
    CHECK(text_of(*member) == "first");
    CHECK(text_of(*must(member->beside()->open("./b.vmdk"))) == "second");
    CHECK(outcome(member->beside()->open("c.vmdk")) == "NotFound");
    CHECK(outcome(member->beside()->open("../c.vmdk")) == "ReferenceDenied");
    CHECK(outcome(member->beside()->open("/etc/passwd")) == "ReferenceDenied");
    CHECK(outcome(archive->open_member("d.vmdk")) == "NotFound");
  }

  TEST_CASE("PACKAGE!MEMBER is opened in place, and a '!' in a file's own name stays") {
    TemporaryFolder folder;
    const std::string tar = TarBuilder().file("sub/disk!1.raw", "content").finish();
    const std::string ova = folder.write("we!rd.ova", tar);
    CHECK(text_of(*must(open_source(ova))) == tar);
    const auto member = must(open_source(ova + "!sub/disk!1.raw"));
    CHECK(text_of(*member) == "content");
    CHECK(member->path() == ova + "!sub/disk!1.raw");
    CHECK(member->host(0)->offset == 512);
    CHECK(outcome(open_source(ova + "!nothing")) == "NotFound");
    CHECK(outcome(open_source(ova + "!../we!rd.ova")) == "ReferenceDenied");
    CHECK(outcome(open_source(ova + "!sub/disk!1.raw", {.writable = true})) == "Permission");
    CHECK(outcome(open_source(folder / "none.ova!disk")) == "NotFound");
    const std::string plain = folder.write("plain.txt", "no archive");
    CHECK(outcome(open_source(plain + "!disk")) == "BadArchive");
  }
}
