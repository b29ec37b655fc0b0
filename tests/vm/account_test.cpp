// That no key of a source is forgotten, whatever it is.
#include <doctest/doctest.h>

#include <algorithm>
#include <pugixml.hpp>
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

using Words = std::vector<std::string>;

class Picker {
 public:
  explicit Picker(unsigned seed) : random_(seed) {}
  const std::string& one_of(const Words& words) { return words[random_() % words.size()]; }
  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  std::mt19937 random_;
};

const Words kTexts{"",          "1",         "0",    "true",     "a b",
                   "disk.vmdk", "&lt;b&gt;", "${k}", "vmware.x", "9999"};

/// An item of any type with some fields, known and unknown, and settings of its own.
std::string random_item(Picker& pick, std::size_t id) {
  std::string item = fmt::format("<Item><rasd:InstanceID>{}</rasd:InstanceID>", 100 + id);
  item +=
      fmt::format("<rasd:ResourceType>{}</rasd:ResourceType>",
                  pick.one_of({"1", "10", "14", "15", "20", "21", "22", "23", "24", "34", "35"}));
  for (std::size_t fields = pick.below(6); fields > 0; --fields)
    item += fmt::format("<rasd:{0}>{1}</rasd:{0}>",
                        pick.one_of({"ElementName", "Description", "Connection", "ResourceSubType",
                                     "AutomaticAllocation", "Weight", "Limit", "Unheard"}),
                        pick.one_of(kTexts));
  for (std::size_t settings = pick.below(3); settings > 0; --settings)
    item += fmt::format("<vmw:Config vmw:key=\"{}\" vmw:value=\"{}\"/>",
                        pick.one_of({"slotInfo.pciSlotNumber", "wakeOnLanEnabled", "odd",
                                     "connectable.allowGuestControl", "videoRamSizeInKB"}),
                        pick.one_of(kTexts));
  return item + "</Item>";
}

std::string random_ovf(Picker& pick) {
  std::string hardware = ovf_processors(2) + ovf_memory("1024", "byte * 2^20") + ovf_scsi_disk();
  for (std::size_t items = pick.below(12); items > 0; --items) hardware += random_item(pick, items);
  for (std::size_t settings = pick.below(8); settings > 0; --settings)
    hardware += fmt::format("<vmw:{} vmw:key=\"{}\" vmw:value=\"{}\"/>",
                            pick.one_of({"Config", "ExtraConfig"}),
                            pick.one_of({"tools.x", "flags.y", "cpuAllocation.shares.shares",
                                         "ethernet0.filter", "scsi0:0.redo", "own.key",
                                         "guestinfo.a", "vmci0.present", "usb:1.deviceType"}),
                            pick.one_of(kTexts));
  std::string sections;
  for (std::size_t count = pick.below(4); count > 0; --count)
    sections += pick.one_of(
        {"<ProductSection><Info/><Product>p</Product><Property ovf:key=\"k\" ovf:value=\"v\"/></ProductSection>",
         "<EulaSection><Info/><License>l</License></EulaSection>",
         "<AnnotationSection><Info/><Annotation>a</Annotation></AnnotationSection>",
         "<OperatingSystemSection ovf:id=\"80\"><Info/><Description>d</Description></OperatingSystemSection>",
         "<vbox:Machine xmlns:vbox=\"v\" odd=\"1\"><Hardware><RTC localOrUTC=\"UTC\"/><X y=\"z\"/></Hardware></vbox:Machine>",
         "<Odd deep=\"1\"><A><B c=\"d\"/>text</A></Odd>"});
  return OvfText{
      .head =
          ovf_disk_head("a.vmdk") +
          "<NetworkSection><Info/><Network ovf:name=\"1\"><Description/></Network>"
          "</NetworkSection><StartupSection><Info/><Item ovf:id=\"x\" ovf:order=\"1\"/></StartupSection>",
      .hardware = hardware,
      .sections = sections}
      .text();
}

/// An element of any name, with attributes and children of any name.
std::string random_element(Picker& pick, const Words& names, int depth) {
  static const Words kAttributes{"type", "mode", "name",  "unit", "odd",
                                 "dev",  "bus",  "model", "state"};
  const std::string& name = pick.one_of(names);
  std::string text = "<" + name;
  std::set<std::string> taken;
  for (std::size_t count = pick.below(3); count > 0; --count)
    if (const std::string& key = pick.one_of(kAttributes); taken.insert(key).second)
      text += fmt::format(" {}=\"{}\"", key, pick.one_of(kTexts));
  text += ">";
  if (depth == 0 || pick.below(3) == 0)
    text += pick.one_of(kTexts);
  else
    for (std::size_t count = pick.below(4); count > 0; --count)
      text += random_element(
          pick,
          {"target", "source", "driver", "address", "alias", "feature", "timer", "odd", "model"},
          depth - 1);
  return text + "</" + name + ">";
}

/// Attributes, and elements without child elements; a setting's two attributes are one key.
std::size_t leaves(const std::string& text) {
  pugi::xml_document document;
  REQUIRE(document.load_string(text.c_str()));
  struct Counter : pugi::xml_tree_walker {
    std::size_t count = 0;
    bool for_each(pugi::xml_node& node) override {
      if (node.type() != pugi::node_element) return true;
      const std::string_view name = node.name();
      if (name == "vmw:Config" || name == "vmw:ExtraConfig") {
        ++count;
        return true;
      }
      for (const auto attribute : node.attributes())
        count += !std::string_view(attribute.name()).starts_with("xmlns");
      const auto is_element = [](pugi::xml_node child) {
        return child.type() == pugi::node_element;
      };
      const bool has_text = !std::string_view(node.child_value()).empty();
      const bool has_attributes = static_cast<bool>(node.first_attribute());
      if (!node.find_child(is_element) && (has_text || !has_attributes)) ++count;
      return true;
    }
  } counter;
  document.traverse(counter);
  return counter.count;
}

std::string random_domain(Picker& pick) {
  std::string text = "<domain type=\"kvm\" id=\"7\"><name>m</name>";
  for (std::size_t count = pick.below(10); count > 0; --count)
    text += random_element(pick,
                           {"title", "description", "os", "features", "cpu", "clock", "pm",
                            "memtune", "cputune", "metadata", "seclabel", "sysinfo", "odd"},
                           2);
  text += "<devices>";
  for (std::size_t count = pick.below(10); count > 0; --count)
    text += random_element(pick,
                           {"controller", "serial", "console", "channel", "video", "sound",
                            "hostdev", "tpm", "rng", "watchdog", "graphics", "odd", "input"},
                           2);
  return text + "</devices></domain>";
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

  TEST_CASE("every leaf of any OVF and of any domain is in the loss report of every writer") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    Picker pick(seed);
    int read = 0;
    for (int round = 0; round < 200; ++round) {
      const bool ovf = round % 2 == 0;
      const std::string text = ovf ? random_ovf(pick) : random_domain(pick);
      CAPTURE(text);
      const auto definition = vm::parse(text, {.dialect = ovf ? "ovf" : "libvirt"});
      if (!definition) continue;  // a size that is none, a second disk of the same name
      ++read;
      std::size_t keys = definition->keys.size();
      for (const vm::Machine& machine : definition->machines) keys += machine.keys.size();
      CHECK(keys == leaves(text));
      for (const std::string& writer : writers()) {
        CAPTURE(writer);
        const auto translation = vm::translate(*definition, {.dialect = writer});
        REQUIRE(translation);
        check_account(*definition, translation->report);
      }
    }
    CHECK(read > 100);
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
