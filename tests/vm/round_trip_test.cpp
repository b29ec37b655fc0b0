// What is written is read back the same, whatever text it holds.
#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "vm/encoding.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  bool coin() { return below(2) == 0; }

  /// Text that ends quotes, lines and markup if it is let.
  std::string text(bool utf8) {
    static const std::vector<std::string> pieces{"a",
                                                 "\"",
                                                 "|",
                                                 "|22",
                                                 "\n",
                                                 "\r",
                                                 "<b>",
                                                 "&amp;",
                                                 "]]>",
                                                 "'",
                                                 "%2f",
                                                 "%",
                                                 "\\",
                                                 "/",
                                                 "#",
                                                 "=",
                                                 "gr\xc3\xbc\xc3\x9f",
                                                 "\xf0\x9f\x98\x80",
                                                 " ",
                                                 "x: y",
                                                 "${k}",
                                                 "-->",
                                                 "\t"};
    static const std::vector<std::string> bytes{"\xff", "\xc3", "\x01", "\x1b", "\xed\xa0\x80"};
    std::string result = "t";
    for (std::uint32_t count = below(8); count > 0; --count)
      result += utf8 || below(3) != 0 ? pieces[below(static_cast<std::uint32_t>(pieces.size()))]
                                      : bytes[below(static_cast<std::uint32_t>(bytes.size()))];
    return result + "t";
  }
  vm::Uuid uuid() {
    vm::Uuid uuid;
    for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(below(256));
    return uuid;
  }
  std::string mac() {
    return fmt::format("{}:{:02x}:{:02x}:{:02x}",
                       std::vector<std::string>{"00:50:56", "00:0c:29", "52:54:00"}[below(3)],
                       below(256), below(256), below(256));
  }

  /// A machine of VMware's, as a VMX can say everything of it.
  vm::Machine vmware_machine() {
    vm::Machine m;
    m.identity.name = text(false);
    if (coin()) m.identity.annotation = text(false);
    m.hardware_version = 7 + below(14);
    m.guest_os.id = m.guest_os.source_id =
        std::vector<std::string>{"rhel9-64", "windows9-64", "other"}[below(3)];
    if (coin())
      m.identity.smbios_uuid =
          vm::SmbiosUuid{uuid(), *m.hardware_version >= 13 || m.guest_os.id == "windows9-64"};
    if (coin()) m.identity.instance_uuid = uuid();
    m.identity.serial = "serial-" + text(false);
    if (coin()) m.identity.generation = vm::GenerationId{random_(), random_()};
    m.cpu.count = 1 + below(64);
    if (coin()) m.cpu.cores_per_socket = 1 + below(8);
    m.cpu.hot_add = coin();
    m.cpu.nested = coin();
    if (coin())
      m.cpu.allocation = {
          .reservation = 1 + below(5000), .limit = 1 + below(5000), .shares = "high"};
    m.memory.size = std::uint64_t{1 + below(1u << 20)} << 20;
    m.memory.hot_add = coin();
    m.firmware.type = coin() ? vm::Firmware::Type::efi : vm::Firmware::Type::bios;
    if (m.firmware.type == vm::Firmware::Type::efi) m.firmware.secure_boot = coin();
    static const std::vector<std::string> models{"pvscsi", "lsilogic", "lsisas1068", "buslogic"};
    m.controllers.push_back({.bus = vm::Bus::scsi,
                             .index = 0,
                             .model = models[below(4)],
                             .sharing = coin() ? "physical" : "",
                             .pci_slot = 160});
    m.controllers.push_back(
        {.bus = vm::Bus::sata, .index = 1, .model = "ahci", .sharing = {}, .pci_slot = {}});
    for (std::uint32_t unit = 0; unit < below(5); ++unit) {
      vm::Drive drive;
      drive.address = {vm::Bus::scsi, 0, unit};
      drive.source = text(false) + ".vmdk";
      drive.format = "vmdk";
      drive.mode = coin() ? "persistent" : "independent-nonpersistent";
      drive.shared = coin();
      drive.change_tracking = coin();
      m.disks.push_back(drive);
    }
    vm::Medium medium;
    medium.address = {vm::Bus::sata, 1, 3};
    if (coin()) {
      medium.backing = vm::Medium::Backing::image;
      medium.source = text(false) + ".iso";
    }
    m.media.push_back(medium);
    for (std::uint32_t index = 0; index < below(4); ++index) {
      vm::Nic nic;
      nic.index = index * 2;
      nic.mac = mac();
      nic.mac_class =
          nic.mac.starts_with("00:0c:29") ? vm::Nic::MacClass::generated : vm::Nic::MacClass::fixed;
      if (nic.mac.starts_with("00:50:56") && nic.mac[9] >= '8' && nic.mac[9] <= 'b')
        nic.mac_class = vm::Nic::MacClass::manager;
      nic.model = std::vector<std::string>{"vmxnet3", "e1000e", "e1000", "vmxnet2"}[below(4)];
      nic.network.name = text(false);
      nic.connected = coin();
      if (coin()) nic.pci_slot = 192 + index;
      if (nic.pci_slot) nic.guest_name = fmt::format("ens{}", *nic.pci_slot);
      m.nics.push_back(nic);
    }
    m.disks_show_uuids = coin();
    if (coin()) m.clock.offset = static_cast<std::int64_t>(below(100000)) - 50000;
    m.clock.sync_with_host = coin();
    m.tpm = coin();
    m.usb = {.uhci = false, .ehci = coin(), .xhci = coin()};
    if (coin()) m.sound = "hdaudio";
    if (coin()) m.serials.push_back({.index = 0, .kind = "file", .target = text(false)});
    if (m.disks.size() > 1 && coin()) {
      m.disks[1].boot_order = 1;
      m.disks[0].boot_order = 2;
    }
    if (coin())
      m.guestinfo.push_back({.key = "userdata", .type = {}, .value = text(false), .label = {}});
    return m;
  }

 private:
  std::mt19937_64 random_;
};

void check_equal(const vm::Machine& a, const vm::Machine& b) {
  CHECK(a.identity == b.identity);
  CHECK(a.guest_os.id == b.guest_os.id);
  CHECK(a.hardware_version == b.hardware_version);
  CHECK(a.firmware == b.firmware);
  CHECK(a.cpu == b.cpu);
  CHECK(a.memory == b.memory);
  CHECK(a.controllers == b.controllers);
  CHECK(a.disks == b.disks);
  CHECK(a.media == b.media);
  CHECK(a.nics == b.nics);
  CHECK(a.serials == b.serials);
  CHECK(a.parallels == b.parallels);
  CHECK(a.sound == b.sound);
  CHECK(a.clock == b.clock);
  CHECK(a.watchdog == b.watchdog);
  CHECK(a.disks_show_uuids == b.disks_show_uuids);
  CHECK(a.properties == b.properties);
  CHECK(a.usb == b.usb);
  CHECK(a.tpm == b.tpm);
  CHECK(a.guestinfo == b.guestinfo);
}

/// The definition written in `dialect` and read again; disks keep their names.
vm::Machine written_and_read(const vm::Definition& definition, const std::string& dialect) {
  vm::TranslateOptions options{.dialect = dialect};
  for (const vm::Drive& disk : definition.machines[0].disks)
    if (disk.source)
      options.disks[*disk.source] = {.path = *disk.source,
                                     .format = disk.format,
                                     .capacity = disk.capacity,
                                     .stored_size = {}};
  for (const vm::Medium& medium : definition.machines[0].media)
    if (medium.source)
      options.disks[*medium.source] = {
          .path = *medium.source, .format = {}, .capacity = {}, .stored_size = {}};
  auto translation = vm::translate(definition, options);
  if (!translation) FAIL(translation.error().describe());
  const std::string text = translation->documents.at(0).text;
  auto again = vm::parse(text, {.dialect = dialect});
  if (!again) FAIL(again.error().describe() << "\n" << text);
  return again->machines.at(0);
}

}  // namespace

std::string document_of(const vm::Machine& machine, const std::string& dialect) {
  vm::Definition definition;
  definition.dialect = "vmx";
  definition.machines.push_back(machine);
  auto translation = vm::translate(definition, {.dialect = dialect});
  if (!translation) FAIL(translation.error().describe());
  return translation->documents.at(0).text;
}

TEST_SUITE("round trips") {
  TEST_CASE("a VMX read back is the machine that was written") {
    for (int round = 0; round < 300; ++round) {
      const unsigned seed = std::random_device{}();
      CAPTURE(seed);
      vm::Definition definition;
      definition.dialect = "vmx";
      definition.machines.push_back(Generator(seed).vmware_machine());
      check_equal(definition.machines[0], written_and_read(definition, "vmx"));
    }
  }

  TEST_CASE("domains and OVFs read back give the same document again") {
    for (const std::string& dialect : {std::string("libvirt"), std::string("ovf")}) {
      for (int round = 0; round < 150; ++round) {
        const unsigned seed = std::random_device{}();
        CAPTURE(seed);
        CAPTURE(dialect);
        vm::Definition definition;
        definition.dialect = "vmx";
        definition.machines.push_back(Generator(seed).vmware_machine());
        // Once through the dialect, the machine is in its terms; from there on nothing changes.
        vm::Definition first;
        first.dialect = dialect;
        first.machines.push_back(written_and_read(definition, dialect));
        const vm::Machine second = written_and_read(first, dialect);
        const vm::Machine& before = definition.machines[0];
        check_equal(first.machines[0], second);
        CHECK(second.nics.size() == before.nics.size());
        CHECK(second.disks.size() == before.disks.size());
        CHECK(second.identity.name == vm::printable_utf8(before.identity.name));
        for (std::size_t at = 0; at < before.nics.size(); ++at)
          CHECK(second.nics[at].mac == before.nics[at].mac);
        if (before.identity.smbios_uuid)
          CHECK(second.identity.smbios_uuid->guest_visible() ==
                before.identity.smbios_uuid->guest_visible());
        CHECK(second.memory.size == before.memory.size);
      }
    }
  }

  TEST_CASE("no text of a machine gets out of its place in what others read") {
    for (int round = 0; round < 100; ++round) {
      const unsigned seed = std::random_device{}();
      CAPTURE(seed);
      const vm::Machine machine = Generator(seed).vmware_machine();
      const std::string name = vm::printable_utf8(machine.identity.name);

      const YAML::Node manifest = YAML::Load(document_of(machine, "kubevirt"));
      CHECK(manifest["metadata"]["annotations"]["vmlift/source-name"].as<std::string>() == name);
      if (!machine.identity.annotation.empty())
        CHECK(manifest["metadata"]["annotations"]["description"].as<std::string>() ==
              vm::printable_utf8(machine.identity.annotation));
      const YAML::Node interfaces =
          manifest["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"];
      REQUIRE(interfaces.size() == machine.nics.size());
      for (std::size_t at = 0; at < machine.nics.size(); ++at)
        CHECK(interfaces[at]["macAddress"].as<std::string>() == machine.nics[at].mac);

      const auto image = nlohmann::json::parse(document_of(machine, "openstack"), nullptr, false);
      REQUIRE_FALSE(image.is_discarded());

      std::istringstream lines(document_of(machine, "qm"));
      std::set<std::string> keys;
      for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        if (line.starts_with('#')) continue;
        REQUIRE(line.find(": ") != std::string::npos);
        const std::string key = line.substr(0, line.find(": "));
        CHECK(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos);
        CHECK(keys.insert(key).second);
      }

      // xl's strings end at the first quote: outside of them there is only its own syntax.
      const std::string xl = document_of(machine, "xl");
      std::string outside;
      bool inside = false;
      for (const char c : xl) {
        if (c == '"') inside = !inside;
        if (inside)
          CHECK(c != '\n');
        else if (c != '"')
          outside += c;
      }
      CHECK_FALSE(inside);
      CHECK(outside.find('<') == std::string::npos);
    }
  }
}
