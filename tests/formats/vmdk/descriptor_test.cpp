// The descriptor's text: what products write, what people edit, what an attacker sends.
#include "formats/vmdk/descriptor.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/create_options.hpp"
#include "formats/vmdk/descriptor_writer.hpp"
#include "formats/vmdk/encoding.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/vmdk/builders.hpp"

using namespace vmlift;
using namespace vmlift::test;
using vmdk::ExtentLine;

namespace {

Result<vmdk::Descriptor> parse(std::string_view text) {
  return vmdk::parse_descriptor(text, Limits{});
}
/// A descriptor of one extent line.
Result<vmdk::Descriptor> with_line(std::string_view line) {
  return parse(vmdk_descriptor("custom", line));
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("keys in any case, blanks, CRLF, comments before the first line, a byte order mark") {
  const std::string text =
      "\xef\xbb\xbf# made by hand\r\n# Disk DescriptorFile\r\n VERSION = 1 \r\ncid=ABCDEF01\r\n"
      "ParentCID=ffffffff\r\n  createtype=\"monolithicFlat\"\r\n\r\n"
      "rw\t20480   Flat  \"a b.vmdk\"   63\r\n"
      "# The disk Data Base \r\nDDB.AdapterType = \"ide\"\r\nddb.encoding=\"windows-1252\"\r\n";
  CHECK(vmdk::is_descriptor(text));
  const auto descriptor = must(parse(text));
  CHECK(descriptor.cid == 0xabcdef01);
  CHECK(!descriptor.has_parent());
  CHECK(descriptor.encoding == "windows-1252");
  CHECK(descriptor.database.at("ddb.adaptertype") == "ide");
  REQUIRE(descriptor.extents.size() == 1);
  CHECK(descriptor.extents[0].sectors == 20480);
  CHECK(descriptor.extents[0].file == "a b.vmdk");
  CHECK(descriptor.extents[0].offset == 63);
}

TEST_CASE("what is a descriptor and what is not") {
  for (const std::string text : {"# Disk DescriptorFile\n", "version=1 \nCID=0\n",
                                 "#x\n\n version = 3\n", "# disk descriptorfile\r\n"}) {
    CAPTURE(text);
    CHECK(vmdk::is_descriptor(text));
  }
  for (const std::string text : {"", "#!/bin/sh\n", "version=9\n", "subversion=1\n", "KDMV",
                                 "# comment\nhello\n", "version=1x\n"}) {
    CAPTURE(text);
    CHECK(!vmdk::is_descriptor(text));
  }
}

TEST_CASE("extent lines, right and wrong") {
  for (const std::string line :
       {"RW 1 FLAT \"a\" 0", "RW 1 VMFS \"a\"", "RW 1 VMFS \"a\" 0", "RDONLY 1 SPARSE \"a\"",
        "RW 1 ZERO", "NOACCESS 1 ZERO", "RW 0 SPARSE \"a\"", "RW 1 SESPARSE \"a\"",
        "RW 63 FLAT \"a\" 5 partitionUUID device", "RW 1 FLAT \"a\"b\"c\" 0"}) {
    CAPTURE(line);
    CHECK(outcome(with_line(line)) == "ok");
  }
  for (const std::string line :
       {"RW", "RW -1 FLAT \"a\" 0", "RW 99999999999999999999 FLAT \"a\" 0", "RW x FLAT \"a\" 0",
        "RW 1", "RW 1 EVIL \"a\"", "RW 1 FLAT \"a\"", "RW 1 FLAT", "RW 1 FLAT \"a", "RW 1 SPARSE",
        "RW 1 SPARSE \"\"", "RW 1 VMFS \"a\" 1", "RW 1 FLAT \"a\" -1", "RW 1 FLAT \"a\" 1x",
        "R 1 FLAT \"a\" 0"}) {
    CAPTURE(line);
    CHECK(outcome(with_line(line)) == "BadDescriptor");
  }
}

TEST_CASE("bad settings name their line; unknown ones are passed over") {
  CHECK(outcome(parse("version=1\ncreateType=\"evil\"\n")) == "BadDescriptor");
  CHECK(outcome(parse("version=1\nCID=xyz\ncreateType=\"vmfs\"\n")) == "BadDescriptor");
  CHECK(outcome(parse("version=5\ncreateType=\"vmfs\"\n")) == "UnsupportedVersion");
  CHECK(outcome(parse("version=1\n")) == "BadDescriptor");
  CHECK(outcome(parse("version=1\ncreateType=\"vmfs\"\nparentCID=1\n")) == "BadDescriptor");
  CHECK(outcome(parse("version=1\ncreateType=\"vmfs\"\nkeySafe=\"x\"\n")) == "Encrypted");
  CHECK(outcome(parse("version=3\ncreateType=\"vmfs\"\nchangeTrackPath=\"a-ctk.vmdk\"\n")) == "ok");
  const auto failed = parse("version=1\ncreateType=\"vmfs\"\nnonsense\n");
  CHECK(failed.error().message().find("line 3") != std::string::npos);
}

TEST_CASE("lines, names and lists beyond the limits") {
  Limits limits;
  limits.extents = 3;
  const std::string line = "RW 1 ZERO\n";
  CHECK(outcome(vmdk::parse_descriptor(vmdk_descriptor("custom", line + line + line), limits)) ==
        "ok");
  CHECK(outcome(vmdk::parse_descriptor(vmdk_descriptor("custom", line + line + line + line),
                                       limits)) == "Limit");
  CHECK(outcome(with_line("RW 1 FLAT \"" + std::string(70000, 'a') + "\" 0")) == "Limit");
  CHECK(outcome(with_line("RW 1 FLAT \"" + std::string(5000, 'a') + "\" 0")) == "Limit");
}

TEST_CASE("every descriptor that is written parses to what was meant") {
  for (const vmdk::Kind kind :
       {vmdk::Kind::monolithic_sparse, vmdk::Kind::monolithic_flat, vmdk::Kind::two_gb_sparse,
        vmdk::Kind::stream_optimized, vmdk::Kind::vmfs}) {
    for (const std::string name : {"a.vmdk", "naïve — disk.vmdk", "a b\\c.vmdk", "'x' = y.vmdk"}) {
      vmdk::NewImage image{.kind = kind, .sectors = 123456};
      const auto id = vmdk::ContentId::random();
      const auto parsed =
          must(parse(vmdk::write_descriptor(image, {{123456, ExtentLine::Type::flat, name}}, id)));
      CHECK(parsed.cid == id.cid());
      CHECK(parsed.create_type == vmdk::kind_name(kind));
      REQUIRE(parsed.extents.size() == 1);
      CHECK(parsed.extents[0].file == name);
      CHECK(parsed.extents[0].sectors == 123456);
      CHECK(parsed.database.at("ddb.longcontentid") == id.hex);
    }
  }
  CHECK(outcome(vmdk::require_plain_name("a\nRW 1 FLAT \"x\" 0")) == "InvalidArgument");
  CHECK(vmdk::ContentId{std::string(32, 'f')}.cid() < vmdk::kLongContentId);
}

TEST_CASE("file names in the encoding of the host that wrote them") {
  struct Name {
    const char* encoding;
    const char* stored;
    const char* utf8;
  };
  for (const Name& name : {Name{"windows-1252", "gr\xfc\xdf.vmdk", "grüß.vmdk"},
                           Name{"GBK", "\xb4\xc5\xc5\xcc.vmdk", "磁盘.vmdk"},
                           Name{"Shift_JIS", "\x83\x66\x83\x42.vmdk", "ディ.vmdk"},
                           Name{"Big5", "\xba\xcf\xba\xd0.vmdk", "磁碟.vmdk"},
                           Name{"UTF-8", "grüß.vmdk", "grüß.vmdk"}}) {
    CAPTURE(name.encoding);
    CHECK(vmdk::to_utf8(name.stored, name.encoding) == name.utf8);
    // The file may lie under its name in UTF-8 or under the old bytes.
    for (const char* on_disk : {name.utf8, name.stored}) {
      TemporaryFolder folder;
      const auto bytes = pattern(512, 1);
      folder.write(on_disk, text_of(bytes));
      folder.write("d.vmdk",
                   vmdk_descriptor("vmfs", fmt::format("encoding=\"{}\"\nRW 1 VMFS \"{}\"",
                                                       name.encoding, name.stored)));
      CHECK(bytes_of(*must(open_disk(folder / "d.vmdk"))) == bytes);
    }
  }
  CHECK(!vmdk::to_utf8("x", "../../evil"));
  CHECK(!vmdk::to_utf8("\xff\xff", "UTF-8"));
}

TEST_SUITE_END();
