// That no key of a source is forgotten, whatever it is.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Every entry says what the contract asks of it, and every key of the source has one.
void check_account(const vm::Definition& definition, const vm::LossReport& report) {
  std::multiset<std::string> told;
  for (const vm::LossEntry& entry : report.entries) {
    CAPTURE(entry.key);
    told.insert(entry.key);
    switch (entry.status) {
      case vm::LossStatus::dropped:
      case vm::LossStatus::defaulted:
        CHECK_FALSE(entry.reason.empty());
        break;
      case vm::LossStatus::needs_action:
        CHECK_FALSE(entry.action.empty());
        break;
      default:
        CHECK_FALSE(entry.target.empty());
        break;
    }
  }
  for (const vm::Machine& machine : definition.machines) {
    for (const vm::SourceKey& key : machine.keys) {
      CAPTURE(key.key);
      const auto found = told.find(key.key);
      REQUIRE(found != told.end());
      told.erase(found);
    }
  }
}

std::vector<std::string> writers() {
  std::vector<std::string> names;
  for (const vm::DialectInfo& dialect : vm::dialects())
    if (dialect.writes) names.emplace_back(dialect.name);
  return names;
}

}  // namespace

TEST_SUITE("accounts") {
  TEST_CASE("every line of any VMX is in the loss report of every writer") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::vector<std::string> prefixes{
        "scsi0",         "scsi0:0",   "scsi0:1", "sata1:3",      "ide1:0",    "nvme0:0",
        "ethernet0",     "ethernet3", "serial0", "parallel0",    "usb",       "usb:1",
        "sound",         "floppy0",   "vtpm",    "pciPassthru0", "sched.cpu", "sched.mem",
        "sched.scsi0:0", "guestinfo", "tools",   "bios",         "uuid",      "my.own",
        "svga",          "hpet0"};
    const std::vector<std::string> suffixes{
        "present",     "fileName",    "virtualDev",     "deviceType", "mode",     "sharing",
        "networkName", "addressType", "startConnected", "unheardOf",  "shares",   "max",
        "min",         "userdata",    "syncTime",       "bootOrder",  "hddOrder", "location",
        "autodetect",  "sharedBus",   "fileType",       "id"};
    const std::vector<std::string> values{"TRUE",     "FALSE",   "1",        "disk.vmdk",   "",
                                          "nonsense", "scsi0:0", "physical", "multi-writer"};
    for (int round = 0; round < 100; ++round) {
      Lines lines{{"displayName", "m"}};
      for (int line = 0; line < 60; ++line)
        lines.emplace_back(
            prefixes[random() % prefixes.size()] + "." + suffixes[random() % suffixes.size()],
            values[random() % values.size()]);
      const std::string text = vmx_text(lines);
      const auto definition = vm::parse(text, {.dialect = "vmx"});
      CAPTURE(text);
      REQUIRE(definition);
      REQUIRE(definition->machines[0].keys.size() == lines.size() + 2);
      for (const std::string& writer : writers()) {
        CAPTURE(writer);
        const auto translation = vm::translate(*definition, {.dialect = writer});
        REQUIRE(translation);
        check_account(*definition, translation->report);
      }
    }
  }

  TEST_CASE("every leaf of an OVF is in the loss report, settings by their own keys") {
    const std::string text =
        OvfText{
            .head =
                ovf_disk_head("a.vmdk") +
                "<NetworkSection><Info>n</Info><Network ovf:name=\"unused\"><Description>d</Description></Network></NetworkSection>",
            .hardware =
                ovf_processors(2) + ovf_memory("1024", "byte * 2^20") + ovf_scsi_disk() +
                "<vmw:Config vmw:key=\"firmware\" vmw:value=\"efi\"/><vmw:Config vmw:key=\"odd.setting\" vmw:value=\"1\"/>"
                "<vmw:ExtraConfig vmw:key=\"guestinfo.metadata\" vmw:value=\"x\"/><Item><rasd:InstanceID>9</rasd:InstanceID>"
                "<rasd:ResourceType>1</rasd:ResourceType><rasd:ResourceSubType>alien.device</rasd:ResourceSubType></Item>",
            .sections =
                "<StrangeSection odd=\"1\"><Info>s</Info><Deep><Leaf>x</Leaf></Deep></StrangeSection>"}
            .text();
    const auto definition = vm::parse(text, {.dialect = "ovf"});
    REQUIRE(definition);
    for (const std::string& writer : writers()) {
      CAPTURE(writer);
      const auto translation = vm::translate(*definition, {.dialect = writer});
      REQUIRE(translation);
      check_account(*definition, translation->report);
      const auto has = [&](std::string_view key) {
        return std::ranges::find(translation->report.entries, key, &vm::LossEntry::key) !=
               translation->report.entries.end();
      };
      for (std::string_view key :
           {"firmware", "odd.setting", "guestinfo.metadata",
            "VirtualSystem[vm1]/StrangeSection/Deep/Leaf", "VirtualSystem[vm1]/StrangeSection/@odd",
            "VirtualSystem[vm1]/VirtualHardwareSection/Item[9]/ResourceSubType",
            "NetworkSection/Network[unused]/Description", "References/File[f1]/@href"})
        CHECK_MESSAGE(has(key), key);
    }
  }

  TEST_CASE("what only a person can do is named as an action") {
    const auto definition = vm::parse(
        vmx_text(Lines{{"displayName", "m"},
                       {"firmware", "efi"},
                       {"nvram", "m.nvram"},
                       {"vtpm.present", "TRUE"},
                       {"pciPassthru0.present", "TRUE"},
                       {"scsi1.present", "TRUE"},
                       {"scsi1.sharedBus", "physical"},
                       {"guestinfo.userdata", "x"}} +
                 scsi_disk(0, "m.vmdk") +
                 Lines{{"scsi0:0.deviceType", "rawDisk"}, {"scsi0:0.sharing", "multi-writer"}} +
                 nic(0, "unmapped", "00:50:56:01:02:03")),
        {.dialect = "vmx"});
    REQUIRE(definition);
    const auto translation = vm::translate(*definition, {.dialect = "libvirt"});
    REQUIRE(translation);
    for (std::string_view key :
         {"nvram", "vtpm.present", "pciPassthru0.present", "scsi1.sharedBus", "guestinfo.userdata",
          "scsi0:0.deviceType", "scsi0:0.sharing", "ethernet0.networkName"}) {
      CAPTURE(key);
      const auto entry = std::ranges::find(translation->report.entries, key, &vm::LossEntry::key);
      REQUIRE(entry != translation->report.entries.end());
      CHECK(entry->status == vm::LossStatus::needs_action);
    }
  }

  TEST_CASE("a choice of the caller is recorded, and a wrong one refused") {
    const auto definition = vm::parse(vmx_text({{"displayName", "m"}}), {.dialect = "vmx"});
    REQUIRE(definition);
    vm::TranslateOptions options{.dialect = "libvirt", .decisions = {{"machine", "pc"}}};
    const auto translation = vm::translate(*definition, options);
    REQUIRE(translation);
    const auto decision =
        std::ranges::find(translation->report.decisions, "machine", &vm::Decision::name);
    REQUIRE(decision != translation->report.decisions.end());
    CHECK(decision->value == "pc");
    CHECK(decision->overridden);
    options.decisions = {{"machien", "pc"}};
    CHECK(vm::translate(*definition, options).error().code() == ErrorCode::InvalidArgument);
    options.decisions = {{"firmware", "coreboot"}};
    CHECK(vm::translate(*definition, options).error().code() == ErrorCode::InvalidArgument);
    CHECK(vm::translate(*definition, {.dialect = "libvirt", .profile = "fast"}).error().code() ==
          ErrorCode::InvalidArgument);
    CHECK(vm::translate(*definition, {.dialect = "klingon"}).error().code() ==
          ErrorCode::InvalidArgument);
  }
}
