// Domains defined through libvirt, on the driver that it has for tests: one host in memory for
// each connection by file name, without a daemon.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vm/samples.hpp"
#include "vmlift/host.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

// The driver's own host has one domain, called "test", running.
constexpr const char* kTestHost = "test:///default";

std::string domain(const std::string& name, const std::string& uuid = {}) {
  return fmt::format(
      "<domain type='test'><name>{}</name>{}<memory unit='MiB'>64</memory><vcpu>1</vcpu>"
      "<os><type>hvm</type></os></domain>",
      name, uuid.empty() ? "" : "<uuid>" + uuid + "</uuid>");
}

constexpr const char* kUuid = "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122";

LibvirtHost connected() {
  auto host = LibvirtHost::connect(kTestHost);
  if (!host) FAIL(host.error().describe());
  return *std::move(host);
}

/// QEMU's driver inside this process, its files in `root`. It wants an event loop to be known; one
/// that runs is only needed to start guests.
Result<LibvirtHost> embedded_qemu(const TemporaryFolder& root) {
  void* const libvirt = ::dlopen("libvirt.so.0", RTLD_NOW | RTLD_NODELETE);
  REQUIRE(libvirt != nullptr);
  const auto register_loop =
      reinterpret_cast<int (*)()>(::dlsym(libvirt, "virEventRegisterDefaultImpl"));
  REQUIRE(static_cast<bool>(register_loop));
  REQUIRE(register_loop() == 0);
  root.write("etc/qemu.conf", "namespaces = []\nstdio_handler = \"file\"\nuser = \"root\"\n");
  return LibvirtHost::connect("qemu:///embed?root=" + root.path());
}

}  // namespace

TEST_SUITE("host") {
  TEST_CASE("a domain is defined under its name and UUID") {
    const LibvirtHost host = connected();
    const auto defined = host.define(std::array{domain("web-01", kUuid), domain("web-02")});
    if (!defined) FAIL(defined.error().describe());
    REQUIRE(defined->size() == 2);
    CHECK(defined->at(0).name == "web-01");
    CHECK(defined->at(0).uuid == kUuid);
    CHECK(defined->at(1).uuid.size() == 36);
  }

  TEST_CASE("a domain of the same name or UUID is never replaced") {
    const LibvirtHost host = connected();
    CHECK(outcome(host.define(std::array{domain("test")})) == "Exists");
    REQUIRE(host.define(std::array{domain("web-01", kUuid)}));
    CHECK(outcome(host.define(std::array{domain("web-01", kUuid)})) == "Exists");
    CHECK(outcome(host.define(std::array{domain("other", kUuid)})) == "Exists");
    CHECK(outcome(host.define(std::array{domain("web-01")})) == "Exists");
  }

  TEST_CASE("all domains are defined or none") {
    const LibvirtHost host = connected();
    CHECK(outcome(host.define(std::array{domain("a"), domain("b"), domain("a")})) == "Exists");
    CHECK(outcome(host.define(std::array{domain("a"), domain("test")})) == "Exists");
    // Refused by libvirt itself, after the first was defined.
    CHECK(outcome(host.define(std::array{
              domain("a"), std::string("<domain><name>c</name></domain>")})) == "BadXml");
    CHECK(host.define(std::array{domain("a"), domain("b")}));
  }

  TEST_CASE("what is no domain never reaches the host") {
    const LibvirtHost host = connected();
    CHECK(outcome(host.define(std::array{std::string("<network><name>a</name></network>")})) ==
          "BadXml");
    CHECK(outcome(host.define(std::array{std::string("<domain type='test'/>")})) == "BadXml");
    CHECK(outcome(host.define(std::array{std::string(
              "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>")})) ==
          "BadXml");
    CHECK(outcome(host.define(std::array{std::string()})) == "BadXml");
  }

  TEST_CASE("elements that libvirt's schema lacks are refused, not dropped") {
    const LibvirtHost host = connected();
    std::string xml = domain("a");
    xml.insert(xml.find("<memory"), "<hwuuid>5a0e4d56-622a-3c8b-7f3c-86d44e5c1122</hwuuid>");
    CHECK(outcome(host.define(std::array{xml})) == "BadXml");
  }

  TEST_CASE("a host that is not there is an error that names it") {
    const auto nowhere = LibvirtHost::connect("nonsense:///system");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().path() == "nonsense:///system");
  }

  TEST_CASE("QEMU's driver takes what is translated with its own capabilities") {
    if (::geteuid() != 0) return skip("an embedded libvirt wants root");
    if (!have_command("qemu-system-x86_64")) return skip("qemu-system-x86_64 is absent");
    if (::access("/usr/share/OVMF/OVMF_CODE_4M.fd", R_OK) != 0) return skip("OVMF is absent");
    const TemporaryFolder root;
    const auto host = embedded_qemu(root);
    if (!host) return skip(host.error().describe());
    const std::string capabilities = must(host->capabilities("qemu"));
    CHECK(capabilities.find("<domainCapabilities") != std::string::npos);
    const vm::Definition definition =
        must(vm::parse(vmx_text(Lines{{"displayName", "web-01"}, {"firmware", "efi"}} +
                                scsi_disk(0, "web-01.vmdk") + nic(0, "a", "00:50:56:01:02:03")),
                       {.dialect = "vmx"}));
    const vm::Translation translation = must(vm::translate(
        definition, {.dialect = "libvirt", .hypervisor = "qemu", .capabilities = capabilities}));
    const std::array domains{translation.documents.at(0).text};
    CHECK(must(host->define(domains)).at(0).name == "web-01");
    CHECK(outcome(host->define(domains)) == "Exists");
  }

  TEST_CASE("a host that does not tell its capabilities has none") {
    const auto told = connected().capabilities("kvm");
    if (!told) FAIL(told.error().describe());
  }
}
