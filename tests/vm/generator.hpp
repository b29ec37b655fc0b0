// Machines at random, with text that ends quotes, lines and markup if it is let.
#pragma once

#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "vmlift/vm.hpp"

namespace vmlift::test {

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
    m.controllers.push_back({.bus = vm::Bus::sata, .index = 1, .model = "ahci"});
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
    if (coin()) m.guestinfo.push_back({.key = "userdata", .value = text(false)});
    return m;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace vmlift::test
