// What KubeVirt's webhook refuses although its schema takes it, rule by rule, over machines of
// every kind.
#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <regex>
#include <set>

#include "support/outcome.hpp"
#include "vm/generator.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

bool is_one_of(const YAML::Node& node, const std::set<std::string>& words) {
  return words.contains(node.as<std::string>());
}

void check_firmware(const YAML::Node& domain) {
  const YAML::Node efi = domain["firmware"]["bootloader"]["efi"];
  if (!efi) return;
  // secureBoot is true where it is left out, and wants SMM.
  const bool secure = !efi["secureBoot"] || efi["secureBoot"].as<bool>();
  if (secure) CHECK(domain["features"]["smm"]["enabled"].as<bool>());
}

void check_disks(const YAML::Node& instance) {
  std::set<std::string> volumes;
  for (const YAML::Node& volume : instance["volumes"]) {
    CHECK(volumes.insert(volume["name"].as<std::string>()).second);
    CHECK(volume.size() == 2);  // the name and exactly one source
  }
  std::set<int> orders;
  static const std::regex kSerial("[A-Za-z0-9_.+-]{1,256}");
  for (const YAML::Node& disk : instance["domain"]["devices"]["disks"]) {
    CHECK(volumes.contains(disk["name"].as<std::string>()));
    if (disk["bootOrder"]) {
      CHECK(disk["bootOrder"].as<int>() > 0);
      CHECK(orders.insert(disk["bootOrder"].as<int>()).second);
    }
    CHECK(is_one_of(disk["disk"]["bus"], {"virtio", "scsi", "sata", "usb"}));
    if (disk["serial"]) CHECK(std::regex_match(disk["serial"].as<std::string>(), kSerial));
  }
}

void check_interfaces(const YAML::Node& instance) {
  std::set<std::string> networks;
  int pods = 0;
  for (const YAML::Node& network : instance["networks"]) {
    CHECK(networks.insert(network["name"].as<std::string>()).second);
    CHECK(network.size() == 2);  // the name and exactly one kind
    pods += network["pod"].IsDefined();
  }
  CHECK(pods <= 1);
  static const std::regex kMac("([0-9a-f]{2}:){5}[0-9a-f]{2}");
  std::set<std::string> interfaces;
  for (const YAML::Node& interface : instance["domain"]["devices"]["interfaces"]) {
    CHECK(networks.contains(interface["name"].as<std::string>()));
    CHECK(interfaces.insert(interface["name"].as<std::string>()).second);
    CHECK(is_one_of(interface["model"], {"e1000", "e1000e", "igb", "pcnet", "rtl8139", "virtio"}));
    if (interface["macAddress"])
      CHECK(std::regex_match(interface["macAddress"].as<std::string>(), kMac));
  }
  CHECK(interfaces == networks);
}

void check_admitted(const YAML::Node& manifest) {
  const YAML::Node spec = manifest["spec"];
  CHECK(spec["runStrategy"].IsDefined() != spec["running"].IsDefined());
  static const std::regex kLabel("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  CHECK(std::regex_match(manifest["metadata"]["name"].as<std::string>(), kLabel));
  const YAML::Node instance = spec["template"]["spec"];
  const YAML::Node domain = instance["domain"];
  CHECK(domain["memory"]["guest"].IsDefined());
  check_firmware(domain);
  check_disks(instance);
  check_interfaces(instance);
  const YAML::Node devices = domain["devices"];
  if (devices["sound"]) CHECK(is_one_of(devices["sound"]["model"], {"ich9", "ac97"}));
  for (const YAML::Node& input : devices["inputs"]) {
    CHECK(input["type"].as<std::string>() == "tablet");
    CHECK(is_one_of(input["bus"], {"usb", "virtio"}));
  }
  const YAML::Node cpu = domain["cpu"];
  const int most = cpu["maxSockets"] ? cpu["maxSockets"].as<int>() : cpu["sockets"].as<int>();
  CHECK(cpu["sockets"].as<int>() <= most);
}

}  // namespace

TEST_SUITE("KubeVirt's webhook") {
  TEST_CASE("no manifest breaks a rule of admission") {
    for (int round = 0; round < 100; ++round) {
      const unsigned seed = std::random_device{}();
      CAPTURE(seed);
      Generator generator(seed);
      vm::Definition definition{.dialect = "vmx", .machines = {generator.vmware_machine()}};
      for (vm::Drive& disk : definition.machines[0].disks) {
        disk.capacity = 1 << 30;
        if (generator.coin()) disk.serial = generator.text(false);
      }
      for (const char* profile : {"boot-safe", "tuned", "vmware-compat"})
        for (const char* volumes : {"pvc", "datavolume"}) {
          CAPTURE(profile);
          vm::TranslateOptions options{.dialect = "kubevirt", .profile = profile};
          options.decisions = {{"volumes", volumes}, {"hot-add", "yes"}, {"sound", "ac97"}};
          const vm::Translation translation = must(vm::translate(definition, options));
          const std::string& text = translation.documents.at(0).text;
          CAPTURE(text);
          check_admitted(YAML::Load(text));
        }
    }
  }
}
