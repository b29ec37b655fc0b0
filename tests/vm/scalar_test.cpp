#include "vm/scalar.hpp"

#include <doctest/doctest.h>

#include "vm/encoding.hpp"
#include "vm/guest_os.hpp"
#include "vm/ovf/units.hpp"

using namespace vmlift::vm;

TEST_SUITE("vm scalars") {
  TEST_CASE("a UUID is read from every spelling and from nothing else") {
    const auto uuid = parse_uuid("56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22");
    REQUIRE(uuid);
    CHECK(uuid->text() == "564d0e5a-2a62-8b3c-7f3c-86d44e5c1122");
    CHECK(uuid->fields_swapped().text() == "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122");
    CHECK(parse_uuid("{564D0E5A-2A62-8B3C-7F3C-86D44E5C1122}") == uuid);
    CHECK_FALSE(parse_uuid("564d0e5a-2a62-8b3c-7f3c-86d44e5c11"));
    CHECK_FALSE(parse_uuid("564d0e5a-2a62-8b3c-7f3c-86d44e5c112233"));
    CHECK_FALSE(parse_uuid("x64d0e5a-2a62-8b3c-7f3c-86d44e5c1122"));
  }

  TEST_CASE("the generation id is what QEMU puts into guest memory") {
    const GenerationId id{0x3191ed70eb219c71, 0x2478373fb27fed9b};
    CHECK(id.guid().text() == "eb219c71-ed70-3191-9bed-7fb23f377824");
    CHECK(GenerationId::from_guid(id.guid()) == id);
  }

  TEST_CASE("a MAC is read with colons, hyphens or nothing between its pairs") {
    CHECK(parse_mac("00:50:56:AB:cd:03") == "00:50:56:ab:cd:03");
    CHECK(parse_mac("00-16-8B-00-00-01") == "00:16:8b:00:00:01");
    CHECK(parse_mac("0800279D3F3C") == "08:00:27:9d:3f:3c");
    CHECK_FALSE(parse_mac("00:50:56:ab:cd"));
    CHECK_FALSE(parse_mac("00:50:56:ab:cd:03:04"));
    CHECK_FALSE(parse_mac("0:050:56:ab:cd:03"));
    CHECK(is_multicast("01:50:56:01:02:03"));
    CHECK_FALSE(is_multicast("00:50:56:01:02:03"));
  }

  TEST_CASE("programmatic units are multiplied out") {
    CHECK(unit_factor("byte * 2^20") == 1u << 20);
    CHECK(unit_factor("byte * 2 ^ 20") == 1u << 20);
    CHECK(unit_factor("byte*1024*1024") == 1u << 20);
    CHECK(unit_factor("MegaBytes") == 1u << 20);
    CHECK(unit_factor("byte") == 1);
    CHECK(unit_factor("hertz * 10^6") == 1'000'000);
    CHECK_FALSE(unit_factor(""));
    CHECK_FALSE(unit_factor("parsec * 2^20"));
    CHECK_FALSE(unit_factor("byte * 2^64"));
    CHECK_FALSE(unit_factor("byte * 10^40"));
  }

  TEST_CASE("a file name is safe whatever the text") {
    CHECK(safe_file_name("web/01") == "web_01");
    CHECK(safe_file_name("..") == "machine");
    CHECK(safe_file_name("-rf") == "_rf");
    CHECK(safe_file_name("") == "machine");
    CHECK(safe_file_name(std::string(500, 'x')).size() == 200);
    CHECK(stem_of("[datastore1] web/web-01.vmdk") == "web-01");
    CHECK(stem_of("C:\\VMs\\disk.one.vmdk") == "disk.one");
  }

  TEST_CASE("what XML cannot hold is replaced") {
    CHECK(printable_utf8("a\x01z") == "a\xef\xbf\xbdz");
    CHECK(printable_utf8("\xff") == "\xef\xbf\xbd");
    CHECK(printable_utf8("\xc0\x80") == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(printable_utf8("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(to_utf8("gr\xfc\xdf", "windows-1252") == "gr\xc3\xbc\xc3\x9f");
    CHECK_FALSE(to_utf8("x", "no-such-encoding"));
  }

  TEST_CASE("guest ids translate between VMX, vSphere and libosinfo") {
    CHECK(vmx_id_from_vsphere("rhel9_64Guest") == "rhel9-64");
    CHECK(vmx_id_from_vsphere("ubuntu64Guest") == "ubuntu-64");
    CHECK(vmx_id_from_vsphere("windows2019srvNext_64Guest") == "windows2019srvnext-64");
    CHECK(vmx_id_from_vsphere("windows9Server64Guest") == "windows9srv-64");
    CHECK(vmx_id_from_vsphere("otherGuest64") == "other-64");
    CHECK(vsphere_id_from_vmx("rhel9-64") == "rhel9_64Guest");
    CHECK(vsphere_id_from_vmx("ubuntu-64") == "ubuntu64Guest");
    CHECK(vsphere_id_from_vmx("windows9srv-64") == "windows9Server_64Guest");
    CHECK(vmx_id_from_libosinfo("http://redhat.com/rhel/9.4", true) == "rhel9-64");
    CHECK(vmx_id_from_libosinfo("http://microsoft.com/win/2k22", true) == "windows2019srvnext-64");
    // One's 2022 is the other's 2019 in peers: ids of the same system must agree.
    CHECK(libosinfo_id({.id = "windows2019srvnext-64"}) == "http://microsoft.com/win/2k22");
    CHECK(guest_family({.id = "windows2019srv-64"}) == GuestFamily::windows);
    CHECK(guest_family({.id = "darwin21-64"}) == GuestFamily::other);
    CHECK(guest_family({.description = "Microsoft Windows 11"}) == GuestFamily::windows);
  }
}
