#include <doctest/doctest.h>

#include <fstream>
#include <pugixml.hpp>

#include "support/command.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string domain_text(const Lines& lines, vm::TranslateOptions options = {}) {
  auto definition = vm::parse(vmx_text(lines), {.dialect = "vmx"});
  if (!definition) FAIL(definition.error().describe());
  options.dialect = "libvirt";
  auto translation = vm::translate(*definition, options);
  if (!translation) FAIL(translation.error().describe());
  return translation->documents.at(0).text;
}

/// The value at an XPath of the domain, "" if nothing is there.
struct Domain {
  explicit Domain(const Lines& lines, vm::TranslateOptions options = {}) {
    REQUIRE(document.load_string(domain_text(lines, std::move(options)).c_str()));
  }
  std::string at(const char* path) const {
    const auto found = document.select_node(path);
    if (found.attribute()) return found.attribute().value();
    return found.node().child_value();
  }
  std::size_t count(const char* path) const { return document.select_nodes(path).size(); }
  pugi::xml_document document;
};

}  // namespace

TEST_SUITE("libvirt writer") {
  TEST_CASE("UEFI always says whether secure boot is on") {
    const Domain off(Lines{{"displayName", "m"}, {"firmware", "efi"}});
    CHECK(off.at("/domain/os/@firmware") == "efi");
    CHECK(off.at("/domain/os/firmware/feature[@name='secure-boot']/@enabled") == "no");
    CHECK(off.count("/domain/features/smm") == 0);
    const Domain on(
        Lines{{"displayName", "m"}, {"firmware", "efi"}, {"uefi.secureBoot.enabled", "TRUE"}});
    CHECK(on.at("/domain/os/firmware/feature[@name='secure-boot']/@enabled") == "yes");
    CHECK(on.at("/domain/os/firmware/feature[@name='enrolled-keys']/@enabled") == "yes");
    CHECK(on.at("/domain/features/smm/@state") == "on");
    const Domain bios(Lines{{"displayName", "m"}});
    CHECK(bios.count("/domain/os/@firmware") == 0);
  }

  TEST_CASE("MACs are kept whatever their kind, and an unmapped NIC has its link down") {
    vm::TranslateOptions options;
    options.networks["Prod"] = {.bridge = "br7", .vlan = 12};
    options.networks["Test"] = {.network = "test", .portgroup = "pg"};
    const Domain domain(Lines{{"displayName", "m"}} + nic(0, "Prod", "00:50:56:01:02:03") +
                            nic(1, "Test", "00:50:56:01:02:04") +
                            nic(2, "Elsewhere", "00:50:56:01:02:05"),
                        options);
    CHECK(domain.at("//interface[1]/mac/@address") == "00:50:56:01:02:03");
    CHECK(domain.at("//interface[1]/source/@bridge") == "br7");
    CHECK(domain.at("//interface[1]/vlan/tag/@id") == "12");
    CHECK(domain.count("//interface[1]/link") == 0);
    CHECK(domain.at("//interface[2]/source/@network") == "test");
    CHECK(domain.at("//interface[2]/source/@portgroup") == "pg");
    CHECK(domain.at("//interface[3]/mac/@address") == "00:50:56:01:02:05");
    CHECK(domain.at("//interface[3]/link/@state") == "down");
    CHECK(domain.count("//interface[3]/source") == 0);
  }

  TEST_CASE("six CPUs in sockets of four become a topology that libvirt takes") {
    const Domain domain(
        Lines{{"displayName", "m"}, {"numvcpus", "6"}, {"cpuid.coresPerSocket", "4"}});
    CHECK(domain.at("//cpu/topology/@sockets") == "1");
    CHECK(domain.at("//cpu/topology/@cores") == "6");
  }

  TEST_CASE("the guest keeps its UUID, serial number and generation id") {
    const Lines lines{{"displayName", "m"},
                      {"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"},
                      {"vm.genid", "3571931312318586993"},
                      {"vm.genidX", "2627831024213855643"}};
    const Domain domain(lines);
    CHECK(domain.at("/domain/uuid") == "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122");
    CHECK(domain.at("//sysinfo/system/entry[@name='serial']") ==
          "VMware-56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22");
    CHECK_FALSE(domain.at("/domain/genid").empty());
    CHECK(Domain(lines, {.decisions = {{"uuid", "management"}}}).at("/domain/uuid") ==
          "564d0e5a-2a62-8b3c-7f3c-86d44e5c1122");
  }

  TEST_CASE("disk paths are absolute, keep the stem and never lead to the source host") {
    const Domain domain(Lines{{"displayName", "m"}} + scsi_disk(0, "[ds1] web/web-01.vmdk") +
                        Lines{{"scsi0:1.present", "TRUE"},
                              {"scsi0:1.fileName", "/dev/sdb"},
                              {"scsi0:1.deviceType", "plainDisk"},
                              {"scsi0:2.present", "TRUE"},
                              {"scsi0:2.fileName", "other/web-01.vmdk"}});
    CHECK(domain.at("//disk[1]/source/@file") == "/var/lib/libvirt/images/web-01.qcow2");
    CHECK(domain.at("//disk[2]/source/@file") == "/var/lib/libvirt/images/sdb.qcow2");
    CHECK(domain.at("//disk[3]/source/@file") == "/var/lib/libvirt/images/web-01-1.qcow2");
    vm::TranslateOptions options{.disk_directory = "/data", .disk_format = "raw"};
    options.disks["[ds1] web/web-01.vmdk"] = {.path = "/dev/vg/web", .format = "raw"};
    const Domain named(Lines{{"displayName", "m"}} + scsi_disk(0, "[ds1] web/web-01.vmdk"),
                       options);
    CHECK(named.at("//disk[1]/source/@dev") == "/dev/vg/web");
    CHECK(named.at("//disk[1]/@type") == "block");
  }

  TEST_CASE("the boot disk is first by bios.hddOrder, then by VMware's own order") {
    const Lines disks = scsi_disk(0, "a.vmdk") + Lines{{"scsi0:1.present", "TRUE"},
                                                       {"scsi0:1.fileName", "b.vmdk"},
                                                       {"ide0:0.present", "TRUE"},
                                                       {"ide0:0.fileName", "c.vmdk"},
                                                       {"displayName", "m"}};
    const Domain plain(disks);
    CHECK(plain.at("//disk[boot/@order='1']/source/@file") == "/var/lib/libvirt/images/a.qcow2");
    CHECK(plain.at("//disk[boot/@order='3']/source/@file") == "/var/lib/libvirt/images/c.qcow2");
    const Domain ordered(disks + Lines{{"bios.hddOrder", "ide0:0,scsi0:1"}});
    CHECK(ordered.at("//disk[boot/@order='1']/source/@file") == "/var/lib/libvirt/images/c.qcow2");
    CHECK(ordered.at("//disk[boot/@order='2']/source/@file") == "/var/lib/libvirt/images/b.qcow2");
  }

  TEST_CASE("the profiles choose the devices") {
    const Lines lines = Lines{{"displayName", "m"}, {"guestOS", "rhel9-64"}} +
                        scsi_disk(3, "a.vmdk") + nic(0, "n", "00:50:56:01:02:03");
    const Domain safe(lines, {.profile = "boot-safe"});
    CHECK(safe.at("//disk/target/@bus") == "sata");
    CHECK(safe.at("//interface/model/@type") == "e1000e");
    const Domain tuned(lines, {.profile = "tuned"});
    CHECK(tuned.at("//disk/target/@bus") == "virtio");
    CHECK(tuned.at("//interface/model/@type") == "virtio");
    const Domain compat(lines, {.profile = "vmware-compat"});
    CHECK(compat.at("//disk/target/@bus") == "scsi");
    CHECK(compat.at("//controller[@type='scsi']/@model") == "vmpvscsi");
    CHECK(compat.at("//disk/address/@target") == "3");
    CHECK(compat.at("//disk/address/@unit") == "0");
    CHECK(compat.at("//interface/model/@type") == "vmxnet3");
    const Domain buslogic(Lines{{"displayName", "m"}} + scsi_disk(0, "a.vmdk", "buslogic"),
                          {.profile = "vmware-compat"});
    CHECK(buslogic.at("//disk/target/@bus") == "sata");
  }

  TEST_CASE("Windows runs in local time unless it says otherwise") {
    const auto offset = [](Lines lines) {
      return Domain(Lines{{"displayName", "m"}} + lines).at("/domain/clock/@offset");
    };
    CHECK(offset({{"guestOS", "windows2019srv-64"}}) == "localtime");
    CHECK(offset({{"guestOS", "rhel9-64"}}) == "utc");
    CHECK(offset({{"guestOS", "windows2019srv-64"}, {"rtc.diffFromUTC", "0"}}) == "utc");
    CHECK(offset({{"guestOS", "windows2019srv-64"}, {"rtc.diffFromUTC", "3600"}}) == "variable");
  }

  TEST_CASE("sched.mem.max never lowers the memory") {
    const Domain domain(
        Lines{{"displayName", "m"}, {"memsize", "4096"}, {"sched.mem.max", "1024"}});
    CHECK(domain.at("/domain/memory") == "4194304");
    CHECK(domain.count("/domain/currentMemory") == 0);
  }

  TEST_CASE("names that libvirt refuses are changed and the original kept as title") {
    const Domain domain(Lines{{"displayName", "web/01|0A<&>"}});
    CHECK(domain.at("/domain/name") == "web_01_<&>");
    CHECK(domain.at("/domain/title") == "web/01 <&>");
  }

  TEST_CASE("libvirt's schema accepts every domain") {
    if (!have_command("virt-xml-validate"))
      return skip("virt-xml-validate is absent (libvirt-clients)");
    const TemporaryFolder folder;
    const std::string path = folder / "domain.xml";
    const Lines devices = scsi_disk(0, "a.vmdk") + nic(0, "n", "00:50:56:01:02:03") +
                          nic(1, "Prod", "00:50:56:01:02:04") +
                          Lines{{"annotation", "x |22<&>|0A"},
                                {"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"},
                                {"vm.genid", "1"},
                                {"vm.genidX", "-2"},
                                {"vtpm.present", "TRUE"},
                                {"sata0.present", "TRUE"},
                                {"sata0:0.present", "TRUE"},
                                {"sata0:0.deviceType", "cdrom-image"},
                                {"sata0:0.fileName", "x.iso"},
                                {"scsi0:1.present", "TRUE"},
                                {"scsi0:1.fileName", "b.vmdk"},
                                {"scsi0:1.mode", "independent-nonpersistent"},
                                {"scsi0:1.sharing", "multi-writer"},
                                {"ide0:0.present", "TRUE"},
                                {"ide0:0.fileName", "c.vmdk"},
                                {"nvme0.present", "TRUE"},
                                {"nvme0:0.present", "TRUE"},
                                {"nvme0:0.fileName", "d.vmdk"},
                                {"serial0.present", "TRUE"},
                                {"sound.present", "TRUE"},
                                {"watchdog.present", "TRUE"},
                                {"mem.hotadd", "TRUE"},
                                {"sched.cpu.shares", "high"},
                                {"sched.mem.pin", "TRUE"},
                                {"numvcpus", "6"},
                                {"cpuid.coresPerSocket", "4"},
                                {"ethernet0.pciSlotNumber", "192"},
                                {"sched.scsi0:0.throughputCap", "100"}};
    for (const char* guest :
         {"rhel9-64", "windows9-64", "windows2019srvNext-64", "winxppro", "rhel4-64", "other"})
      for (const char* firmware : {"bios", "efi"})
        for (const char* profile : {"boot-safe", "tuned", "vmware-compat"})
          for (const bool everything : {false, true}) {
            CAPTURE(guest);
            CAPTURE(firmware);
            CAPTURE(profile);
            vm::TranslateOptions options{.profile = profile};
            options.networks["Prod"] = {.bridge = "br7", .vlan = 7};
            if (everything)
              options.decisions = {{"hot-add", "yes"},     {"cpu-shares", "yes"},
                                   {"memory-lock", "yes"}, {"acpi-index", "yes"},
                                   {"io-limits", "yes"},   {"cpu", "Nehalem"},
                                   {"disk-cache", "none"}, {"serial", "source"}};
            std::ofstream(path) << domain_text(
                Lines{{"displayName", "m"}, {"guestOS", guest}, {"firmware", firmware}} + devices,
                options);
            const CommandResult checked = run_command({"virt-xml-validate", path, "domain"});
            INFO(checked.output);
            CHECK(checked.status == 0);
          }
  }
}
