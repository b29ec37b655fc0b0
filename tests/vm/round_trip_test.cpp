// What is written is read back the same, whatever text it holds.
#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "vm/encoding.hpp"
#include "vm/generator.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

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
      options.disks[*disk.source] = {
          .path = *disk.source, .format = disk.format, .capacity = disk.capacity};
  for (const vm::Medium& medium : definition.machines[0].media)
    if (medium.source) options.disks[*medium.source] = {.path = *medium.source};
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
