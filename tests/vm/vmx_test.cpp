#include <doctest/doctest.h>

#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

vm::Machine machine_of(const std::string& text) {
  auto definition = vm::parse(text, {.dialect = "vmx"});
  if (!definition) FAIL(definition.error().describe());
  REQUIRE(definition->machines.size() == 1);
  return definition->machines.front();
}
vm::Machine machine_of(const Lines& lines) { return machine_of(vmx_text(lines)); }

Error refusal(const std::string& text) {
  auto definition = vm::parse(text, {.dialect = "vmx"});
  REQUIRE_FALSE(definition.has_value());
  return std::move(definition).error();
}

}  // namespace

TEST_SUITE("VMX") {
  TEST_CASE("keys are the same in any case, and the first of two counts with a warning") {
    const vm::Machine machine =
        machine_of({{"DISPLAYNAME", "a"}, {"memSize", "2048"}, {"memsize", "4096"}});
    CHECK(machine.identity.name == "a");
    CHECK(machine.memory.size == std::uint64_t{2048} << 20);
    REQUIRE(machine.warnings.size() == 1);
    CHECK(machine.warnings[0] == vm::Warning{"memsize", 5, "duplicate key"});
  }

  TEST_CASE("escapes and encodings give the text that was meant") {
    const vm::Machine machine =
        machine_of({{"displayName", "a |22b|22 100%25 c%2fd"}, {"annotation", "one|0Atwo |7C"}});
    CHECK(machine.identity.name == "a \"b\" 100% c/d");
    CHECK(machine.identity.annotation == "one\ntwo |");
    CHECK(
        machine_of(".encoding = \"windows-1252\"\ndisplayName = \"gr\xfc\xdf\"\n").identity.name ==
        "gr\xc3\xbc\xc3\x9f");
    CHECK(machine_of(".encoding = \"Shift_JIS\"\ndisplayName = \"\x83\x65\"\n").identity.name ==
          "\xe3\x83\x86");
    CHECK(machine_of("\xef\xbb\xbf"
                     "displayName = \"bom\"\r\nguestOS = \"dos\"\r\n")
              .identity.name == "bom");
  }

  TEST_CASE("what VMware takes for granted is filled in") {
    const vm::Machine machine = machine_of(Lines{});
    CHECK(machine.memory.size == std::uint64_t{32} << 20);
    CHECK(machine.cpu.count == 1u);
    CHECK(machine.firmware.type == vm::Firmware::Type::bios);
  }

  TEST_CASE("the MAC that addressType names is kept") {
    const vm::Machine machine =
        machine_of(nic(0, "net", "00:50:56:01:02:03") +
                   Lines{{"ethernet1.present", "TRUE"},
                         {"ethernet1.addressType", "generated"},
                         {"ethernet1.generatedAddress", "00:0C:29:AA:BB:CC"},
                         {"ethernet1.address", "00:50:56:00:00:01"}});
    REQUIRE(machine.nics.size() == 2);
    CHECK(machine.nics[0].mac == "00:50:56:01:02:03");
    CHECK(machine.nics[0].mac_class == vm::Nic::MacClass::fixed);
    CHECK(machine.nics[1].mac == "00:0c:29:aa:bb:cc");
    CHECK(machine.nics[1].mac_class == vm::Nic::MacClass::generated);
  }

  TEST_CASE("NICs keep their numbers over gaps and learn the name the guest gave them") {
    const vm::Machine machine =
        machine_of(nic(2, "a", "00:50:56:01:02:03") + nic(9, "b", "00:50:56:01:02:04") +
                   Lines{{"ethernet9.pciSlotNumber", "224"}, {"ethernet2.pciSlotNumber", "-1"}});
    REQUIRE(machine.nics.size() == 2);
    CHECK(machine.nics[0].index == 2);
    CHECK_FALSE(machine.nics[0].pci_slot);
    CHECK(machine.nics[1].index == 9);
    CHECK(machine.nics[1].guest_name == "ens224");
  }

  TEST_CASE("drives are found on every bus, with and without a device type") {
    const vm::Machine machine =
        machine_of(scsi_disk(8, "a.vmdk") + Lines{{"ide0:0.present", "TRUE"},
                                                  {"ide0:0.fileName", "b.vmdk"},
                                                  {"sata0.present", "TRUE"},
                                                  {"sata0:29.present", "TRUE"},
                                                  {"sata0:29.deviceType", "cdrom-image"},
                                                  {"sata0:29.fileName", "x.iso"},
                                                  {"nvme0.present", "TRUE"},
                                                  {"nvme0:3.present", "TRUE"},
                                                  {"nvme0:3.fileName", "c.vmdk"},
                                                  {"scsi0:1.present", "TRUE"},
                                                  {"scsi0:1.deviceType", "cdrom-raw"},
                                                  {"scsi0:1.fileName", "auto detect"},
                                                  {"floppy0.present", "TRUE"},
                                                  {"floppy0.fileName", "f.flp"}});
    REQUIRE(machine.disks.size() == 3);
    CHECK(machine.disks[0].address.text() == "ide0:0");
    CHECK(machine.disks[1].address.text() == "scsi0:8");
    CHECK(machine.disks[2].address.text() == "nvme0:3");
    REQUIRE(machine.media.size() == 3);
    CHECK(machine.media[0].backing == vm::Medium::Backing::host_device);
    CHECK_FALSE(machine.media[0].source);
    CHECK(machine.media[1].source == "x.iso");
    CHECK(machine.media[2].kind == vm::Medium::Kind::floppy);
    CHECK(machine.media[2].source == "f.flp");
  }

  TEST_CASE("present = FALSE switches off the device and what hangs on it") {
    const vm::Machine machine = machine_of({{"scsi0.present", "FALSE"},
                                            {"scsi0:0.present", "TRUE"},
                                            {"scsi0:0.fileName", "a.vmdk"},
                                            {"ethernet0.present", "FALSE"},
                                            {"ethernet0.address", "00:50:56:01:02:03"},
                                            {"serial0.present", "FALSE"},
                                            {"serial0.fileType", "file"}});
    CHECK(machine.disks.empty());
    CHECK(machine.nics.empty());
    CHECK(machine.serials.empty());
    CHECK(machine.controllers.empty());
  }

  TEST_CASE("bios.hddOrder decides which disk boots") {
    const vm::Machine machine =
        machine_of(scsi_disk(0, "a.vmdk") + Lines{{"scsi0:1.present", "TRUE"},
                                                  {"scsi0:1.fileName", "b.vmdk"},
                                                  {"bios.hddOrder", "scsi0:1,scsi0:0"}});
    CHECK(machine.disks[0].boot_order == 2);
    CHECK(machine.disks[1].boot_order == 1);
  }

  TEST_CASE("the UUID's byte order follows hardware version and guest") {
    const Lines uuid{{"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"}};
    const auto visible = [](const std::string& head, const Lines& lines) {
      std::string text = head;
      for (const auto& [key, value] : lines) text += key + " = \"" + value + "\"\n";
      return machine_of(text).identity.smbios_uuid->guest_visible().text();
    };
    CHECK(visible("virtualHW.version = \"13\"\n", uuid) == "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122");
    CHECK(visible("virtualHW.version = \"11\"\n", uuid) == "564d0e5a-2a62-8b3c-7f3c-86d44e5c1122");
    CHECK(visible("virtualHW.version = \"11\"\nguestOS = \"windows7-64\"\n", uuid) ==
          "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122");
  }

  TEST_CASE("values that libvirt's parser refuses are read") {
    const vm::Machine machine = machine_of(
        "config.version = \"9\"\nvirtualHW.version = \"3\"\nfirmware = \"bios\"\nmemsize = \"1023\"\n"
        "ethernet0.present = \"TRUE\"\nethernet0.virtualDev = \"pvrdma\"\nethernet0.connectionType = \"hostonly\"\n"
        "serial0.present = \"TRUE\"\nserial0.fileType = \"network\"\nserial0.fileName = \"telnet://h\"\n"
        "a line of nonsense\n");
    CHECK(machine.memory.size == std::uint64_t{1023} << 20);
    REQUIRE(machine.nics.size() == 1);
    CHECK(machine.nics[0].model == "pvrdma");
    CHECK(machine.nics[0].network.kind == "hostonly");
    REQUIRE(machine.serials.size() == 1);
    CHECK(machine.serials[0].target == "telnet://h");
    CHECK(machine.warnings.size() == 1);
  }

  TEST_CASE("impossible lines and values are BadVmx with line and key") {
    for (const auto& [text, line, key] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"a = \"b\"\nmemsize = \"lots\"\n", "line 2", "memsize"},
             {"numvcpus = \"0\"\n", "line 1", "numvcpus"},
             {"numvcpus = \"99999999999999999999\"\n", "line 1", "numvcpus"},
             {"\n\ndisplayName = \"open\n", "line 3", "displayName"},
             {"firmware = \"coreboot\"\n", "line 1", "firmware"},
             {"uuid.bios = \"56 4d\"\n", "line 1", "uuid.bios"},
             {"ethernet0.present = \"TRUE\"\nethernet0.address = \"nonsense\"\n", "line 2",
              "ethernet0.address"}}) {
      CAPTURE(text);
      const Error error = refusal(text);
      CHECK(error.code() == ErrorCode::BadVmx);
      CHECK(error.message().find(line) != std::string::npos);
      CHECK(error.message().find(key) != std::string::npos);
    }
    CHECK(refusal(std::string("displayName = \"a\0b\"\n", 20)).code() == ErrorCode::BadVmx);
    CHECK(refusal("").code() == ErrorCode::BadVmx);
    CHECK(refusal("x = \"" + std::string(100'000, 'y') + "\"\n").code() == ErrorCode::Limit);
    CHECK(refusal(std::string(5u << 20, '\n')).code() == ErrorCode::Limit);
  }

  TEST_CASE("encrypted and suspended machines are told, and not translated") {
    auto encrypted = vm::parse(
        "displayName = \"x\"\nencryption.keySafe = \"vmware:key/list\"\nencryption.data = \"abc\"\n",
        {.dialect = "vmx"});
    REQUIRE(encrypted);
    CHECK(encrypted->machines[0].encrypted);
    CHECK(vm::translate(*encrypted, {.dialect = "libvirt"}).error().code() == ErrorCode::Encrypted);
    auto suspended = vm::parse(vmx_text({{"displayName", "x"}, {"checkpoint.vmState", "x-1.vmss"}}),
                               {.dialect = "vmx"});
    REQUIRE(suspended);
    CHECK(suspended->machines[0].suspended);
    CHECK(vm::translate(*suspended, {.dialect = "libvirt"}).error().code() ==
          ErrorCode::UnsupportedFeature);
  }

  TEST_CASE("snapshots are read from the .vmsd") {
    const auto snapshots = vm::parse_snapshots(
        ".encoding = \"UTF-8\"\nsnapshot.numSnapshots = \"1\"\nsnapshot3.uid = \"3\"\n"
        "snapshot3.displayName = \"before update\"\nsnapshot3.numDisks = \"1\"\nsnapshot3.disk0.fileName = \"a.vmdk\"\n");
    REQUIRE(snapshots);
    REQUIRE(snapshots->size() == 1);
    CHECK(snapshots->front().name == "before update");
    CHECK(snapshots->front().disks == std::vector<std::string>{"a.vmdk"});
  }
}
