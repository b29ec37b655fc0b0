#include <doctest/doctest.h>

#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

vm::Definition definition_of(const std::string& text, const std::string& configuration = {}) {
  auto definition = vm::parse(text, {.dialect = "ovf", .configuration = configuration});
  if (!definition) FAIL(definition.error().describe());
  return *std::move(definition);
}

Error refusal(const std::string& text, const std::string& configuration = {}) {
  auto definition = vm::parse(text, {.dialect = "ovf", .configuration = configuration});
  REQUIRE_FALSE(definition.has_value());
  return std::move(definition).error();
}

}  // namespace

TEST_SUITE("OVF") {
  TEST_CASE("the units of memory are obeyed") {
    const auto memory = [](const std::string& quantity, const std::string& units) {
      return definition_of(OvfText{.hardware = ovf_memory(quantity, units)}.text())
          .machines.at(0)
          .memory.size;
    };
    CHECK(memory("4", "byte*2^30") == std::uint64_t{4} << 30);
    CHECK(memory("2147483648", "byte") == std::uint64_t{2} << 30);
    CHECK(memory("512", "MegaBytes") == std::uint64_t{512} << 20);
    CHECK(memory("512", "") == std::uint64_t{512} << 20);
  }

  TEST_CASE("disks hang where their parents say, with decoded names and capacities") {
    const vm::Definition definition = definition_of(
        OvfText{.head = ovf_disk_head("my%20disk.vmdk"), .hardware = ovf_scsi_disk()}.text());
    const vm::Machine& machine = definition.machines.at(0);
    REQUIRE(machine.disks.size() == 1);
    CHECK(machine.disks[0].source == "my disk.vmdk");
    CHECK(machine.disks[0].address.text() == "scsi0:0");
    CHECK(machine.disks[0].capacity == std::uint64_t{8} << 30);
    CHECK(machine.controllers.at(0).model == "pvscsi");
    CHECK_FALSE(machine.firmware.type);
    CHECK(machine.identity.name == "vm1");
    CHECK(machine.hardware_version == 15u);
  }

  TEST_CASE("versions 0.9 and 2.x and collections are read like 1.x") {
    OvfText two{.namespace_uri = "http://schemas.dmtf.org/ovf/envelope/2",
                .head = ovf_disk_head("d.vmdk"),
                .hardware = ovf_memory("1024", "byte * 2^20") + ovf_scsi_disk()};
    OvfText other{.hardware = ovf_memory("2048", "byte * 2^20"), .id = "vm2"};
    const vm::Definition definition = definition_of(
        two.envelope("<VirtualSystemCollection ovf:id=\"c\"><Info>c</Info>" + two.system() +
                     "<VirtualSystemCollection ovf:id=\"d\"><Info>d</Info>" + other.system() +
                     "</VirtualSystemCollection></VirtualSystemCollection>"));
    REQUIRE(definition.machines.size() == 2);
    CHECK(definition.machines[0].disks.size() == 1);
    CHECK(definition.machines[0].memory.size == std::uint64_t{1} << 30);
    CHECK(definition.machines[1].identity.name == "vm2");

    const vm::Definition old = definition_of(
        "<ovf:Envelope xmlns:ovf=\"http://www.vmware.com/schema/ovf/1/envelope\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xmlns:rasd=\"r\"><References><File ovf:id=\"f1\" ovf:href=\"a.vmdk\"/></References>"
        "<Section xsi:type=\"ovf:DiskSection_Type\"><Disk ovf:diskId=\"d1\" ovf:fileRef=\"f1\" ovf:capacity=\"1024\"/></Section>"
        "<Content xsi:type=\"ovf:VirtualSystem_Type\" ovf:id=\"old\"><Section xsi:type=\"ovf:VirtualHardwareSection_Type\">"
        "<Item><rasd:Caption>c</rasd:Caption><rasd:InstanceId>3</rasd:InstanceId><rasd:ResourceType>6</rasd:ResourceType><rasd:BusNumber>0</rasd:BusNumber></Item>"
        "<Item><rasd:InstanceId>4</rasd:InstanceId><rasd:ResourceType>17</rasd:ResourceType><rasd:HostResource>disk/d1</rasd:HostResource><rasd:Parent>3</rasd:Parent></Item>"
        "</Section></Content></ovf:Envelope>");
    CHECK(old.machines.at(0).identity.name == "old");
    CHECK(old.machines.at(0).disks.at(0).source == "a.vmdk");
    CHECK(old.machines.at(0).disks.at(0).capacity == 1024u);
  }

  TEST_CASE("items of another deployment option are left out") {
    const std::string head =
        "<DeploymentOptionSection><Info>o</Info><Configuration ovf:id=\"small\" ovf:default=\"true\"><Label>S</Label></Configuration>"
        "<Configuration ovf:id=\"big\"><Label>B</Label></Configuration></DeploymentOptionSection>";
    const std::string nic_item =
        ovf_item({{"InstanceID", "9"}, {"ResourceType", "10"}, {"Connection", "n"}},
                 "ovf:configuration=\"big\"");
    const std::string big_memory = ovf_item({{"AllocationUnits", "byte * 2^30"},
                                             {"InstanceID", "2"},
                                             {"ResourceType", "4"},
                                             {"VirtualQuantity", "64"}},
                                            "ovf:configuration=\"big\"");
    const std::string bound = ovf_item({{"AllocationUnits", "byte * 2^20"},
                                        {"InstanceID", "2"},
                                        {"ResourceType", "4"},
                                        {"VirtualQuantity", "1"}},
                                       "ovf:bound=\"min\"");
    const std::string text =
        OvfText{.head = head,
                .hardware = bound + ovf_memory("1024", "byte * 2^20") + big_memory + nic_item}
            .text();
    const vm::Definition small = definition_of(text);
    CHECK(small.machines.at(0).memory.size == std::uint64_t{1} << 30);
    CHECK(small.machines.at(0).nics.empty());
    REQUIRE(small.configurations.size() == 2);
    CHECK(small.configurations[0].is_default);
    const vm::Definition big = definition_of(text, "big");
    CHECK(big.machines.at(0).memory.size == std::uint64_t{64} << 30);
    CHECK(big.machines.at(0).nics.size() == 1);
    CHECK(refusal(text, "huge").code() == ErrorCode::InvalidArgument);
  }

  TEST_CASE("VMware's settings give firmware, secure boot and what the machine is allowed") {
    const vm::Definition definition = definition_of(OvfText{
        .hardware =
            "<vmw:Config vmw:key=\"firmware\" vmw:value=\"efi\"/><vmw:Config vmw:key=\"bootOptions.efiSecureBootEnabled\" vmw:value=\"true\"/>"
            "<vmw:Config vmw:key=\"cpuHotAddEnabled\" vmw:value=\"true\"/><vmw:ExtraConfig vmw:key=\"nvram\" vmw:value=\"ovf:/file/file2\"/>"
            "<vmw:ExtraConfig vmw:key=\"guestinfo.userdata\" vmw:value=\"abc\"/>"}
                                                        .text());
    const vm::Machine& machine = definition.machines.at(0);
    CHECK(machine.firmware.type == vm::Firmware::Type::efi);
    CHECK(machine.firmware.secure_boot == true);
    CHECK(machine.firmware.nvram == "ovf:/file/file2");
    CHECK(machine.cpu.hot_add);
    CHECK(machine.guestinfo.at(0).key == "userdata");
  }

  TEST_CASE("an NVMe controller is one, and lists of subtypes give the known one") {
    const auto controller = [](const std::string& type, const std::string& subtype) {
      return definition_of(OvfText{.hardware = ovf_item({{"InstanceID", "3"},
                                                         {"ResourceType", type},
                                                         {"ResourceSubType", subtype}})}
                               .text())
          .machines.at(0)
          .controllers.at(0);
    };
    CHECK(controller("20", "vmware.nvme.controller").bus == vm::Bus::nvme);
    CHECK(controller("20", "vmware.sata.ahci").bus == vm::Bus::sata);
    CHECK(controller("20", "AHCI").model == "ahci");
    CHECK(controller("6", "someother, lsilogic").model == "lsilogic");
    CHECK(controller("6", "lsilogicsas").model == "lsisas1068");
  }

  TEST_CASE("VirtualBox' own element has the last word on firmware and MAC") {
    const vm::Definition definition = definition_of(OvfText{
        .hardware = ovf_item({{"InstanceID", "5"},
                              {"ResourceType", "10"},
                              {"ResourceSubType", "E1000"},
                              {"Connection", "NAT"}}),
        .sections =
            "<vbox:Machine xmlns:vbox=\"v\" uuid=\"{564d0e5a-2a62-8b3c-7f3c-86d44e5c1122}\"><Hardware><Firmware type=\"EFI\"/>"
            "<RTC localOrUTC=\"UTC\"/><Network><Adapter slot=\"0\" enabled=\"true\" MACAddress=\"0800279D3F3C\"/></Network></Hardware></vbox:Machine>"}
                                                        .text());
    const vm::Machine& machine = definition.machines.at(0);
    CHECK(machine.firmware.type == vm::Firmware::Type::efi);
    CHECK(machine.clock.base == vm::Clock::Base::utc);
    CHECK(machine.nics.at(0).mac == "08:00:27:9d:3f:3c");
  }

  TEST_CASE("a capacity may be a property, a disk may be blank, and two hardware sections warn") {
    const std::string head =
        "<DiskSection><Info>d</Info><Disk ovf:diskId=\"d1\" ovf:capacity=\"${size}\" ovf:capacityAllocationUnits=\"byte * 2^30\"/></DiskSection>";
    OvfText ovf{
        .head = head,
        .hardware = ovf_scsi_disk(),
        .sections =
            "<ProductSection><Info>p</Info><Property ovf:key=\"size\" ovf:type=\"int\" ovf:value=\"20\"/></ProductSection>"};
    const vm::Machine machine = definition_of(ovf.text()).machines.at(0);
    CHECK(machine.disks.at(0).capacity == std::uint64_t{20} << 30);
    CHECK_FALSE(machine.disks.at(0).source);
    std::string twice = ovf.text();
    twice.insert(twice.find("</VirtualSystem>"),
                 "<VirtualHardwareSection><Info>x</Info></VirtualHardwareSection>");
    CHECK(definition_of(twice).machines.at(0).warnings.size() == 1);
  }

  TEST_CASE("references that leave the package are read with a warning") {
    const vm::Definition definition = definition_of(
        OvfText{.head = ovf_disk_head("../../etc/passwd"), .hardware = ovf_scsi_disk()}.text());
    CHECK(definition.machines.at(0).disks.at(0).source == "../../etc/passwd");
    REQUIRE(definition.warnings.size() == 1);
  }

  TEST_CASE("documents that contradict themselves are BadOvf with a line") {
    const std::string twice = "<Disk ovf:diskId=\"d1\" ovf:capacity=\"1\"/>";
    for (const std::string& text :
         {OvfText{.head = ovf_disk_head("a.vmdk"),
                  .hardware = ovf_scsi_disk() + ovf_item({{"InstanceID", "5"},
                                                          {"Parent", "3"},
                                                          {"ResourceType", "17"},
                                                          {"HostResource", "ovf:/disk/d1"}})}
              .text(),
          OvfText{.hardware = ovf_scsi_disk()}.text(),
          OvfText{.head = "<DiskSection>" + twice + twice + "</DiskSection>"}.text(),
          OvfText{
              .head =
                  "<DiskSection><Disk ovf:diskId=\"d1\" ovf:fileRef=\"nowhere\"/></DiskSection>"}
              .text(),
          OvfText{.hardware = ovf_memory("lots", "byte")}.text(),
          OvfText{.hardware = ovf_memory("4", "parsec")}.text(),
          OvfText{.hardware = ovf_memory("18446744073709551615", "byte * 2^30")}.text(),
          OvfText{.hardware = ovf_processors(0)}.text(),
          OvfText{.hardware =
                      ovf_item({{"InstanceID", "4"}, {"Parent", "77"}, {"ResourceType", "17"}})}
              .text(),
          OvfText{.hardware = ovf_item({{"InstanceID", "4"}, {"ResourceType", "disk"}})}.text(),
          OvfText{}.envelope(""), std::string("<domain/>")}) {
      CAPTURE(text);
      const Error error = refusal(text);
      CHECK(error.code() == ErrorCode::BadOvf);
      CHECK(error.message().find("line ") != std::string::npos);
    }
    CHECK(refusal("<!DOCTYPE Envelope><Envelope/>").code() == ErrorCode::BadXml);
  }
}
