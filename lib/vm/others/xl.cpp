// Writes a configuration for Xen's xl: a fully virtualised guest.
#include <fmt/format.h>

#include <algorithm>

#include "vm/encoding.hpp"
#include "vm/kvm_actions.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/nic_target.hpp"
#include "vm/others/others.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "name"},
    {Aspect::smbios_uuid, LossStatus::mapped, "uuid"},
    {Aspect::firmware, LossStatus::kept, "bios"},
    {Aspect::clock, LossStatus::mapped, "localtime"},
    {Aspect::cpu_count, LossStatus::kept, "vcpus"},
    {Aspect::memory_size, LossStatus::kept, "memory"},
    {Aspect::disk, LossStatus::mapped, "disk"},
    {Aspect::disk_source, LossStatus::mapped, "disk"},
    {Aspect::disk_capacity, LossStatus::kept, "the disk's own size"},
    {Aspect::boot_order, LossStatus::mapped, "boot"},
    {Aspect::nic, LossStatus::mapped, "vif"},
    {Aspect::nic_mac, LossStatus::kept, "vif"},
    {Aspect::nic_model, LossStatus::mapped, "vif"},
    {Aspect::nic_network, LossStatus::mapped, "vif"},
    {Aspect::serial_port, LossStatus::mapped, "serial"},
    {Aspect::usb, LossStatus::mapped, "usb"},
    {Aspect::video, LossStatus::mapped, "vga"},
};

/// A string of xl's syntax. It knows no way to write a quote of the kind that encloses it.
std::string quoted(std::string_view text) {
  std::string value = "\"";
  for (const char c : printable_utf8(text))
    value += c == '"' || c == '\n' || c == '\r' || c == '\\' ? '_' : c;
  return value + "\"";
}

std::string without_commas(std::string text) {
  std::ranges::replace(text, ',', '_');
  return text;
}

}  // namespace

std::vector<DecisionRule> xl_decisions() {
  std::vector<DecisionRule> rules = kvm_decisions();
  const auto type = std::ranges::find(rules, "domain-type", &DecisionRule::name);
  type->choose = [](const Situation&) { return Choice{"xen", "what xl runs"}; };
  return rules;
}

std::span<const AspectRule> xl_account_rules() { return kRules; }

Result<Written> write_xl(const WriteRequest& request) {
  const Machine& machine = request.machine;
  const Decisions& decisions = request.decisions;
  Account account(kRules);
  std::string text;
  const auto set = [&](std::string_view key, std::string_view value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  const bool efi = decisions.is("firmware", "efi");
  const std::uint64_t bytes = machine.memory.size.value_or(kMiB * 1024);
  set("name", quoted(safe_file_name(machine.identity.name)));
  set("type", "\"hvm\"");
  if (machine.identity.smbios_uuid)
    set("uuid", quoted(machine.identity.smbios_uuid->guest_visible().text()));
  set("memory", std::to_string(bytes / kMiB + (bytes % kMiB != 0)));
  set("vcpus", std::to_string(machine.cpu.count.value_or(1)));
  set("bios", efi ? "\"ovmf\"" : "\"seabios\"");
  set("localtime", decisions.is("clock", "localtime") ? "1" : "0");
  set("boot", "\"cd\"");
  std::string disks;
  int place = 0;
  for (const TargetDrive& drive : plan_drives(machine, request.options, decisions).disks) {
    // hda to hdd are on the IDE board; every other name is Xen's own, and there are enough of them.
    const bool ide = !decisions.is("disk-bus", "xen") && place < 4;
    const std::string letter = place < 26
                                   ? std::string(1, static_cast<char>('a' + place))
                                   : fmt::format("{}{}", static_cast<char>('a' + place / 26 - 1),
                                                 static_cast<char>('a' + place % 26));
    ++place;
    const std::string device = (ide ? "hd" : "xvd") + letter;
    // The path stands last: it takes the rest of the string, commas and all.
    disks += fmt::format("  {},\n", quoted(fmt::format("format={},vdev={},access=rw,target={}",
                                                       drive.format == "raw" ? "raw" : "qcow2",
                                                       device, drive.path)));
    account.tell(Aspect::disk_source, drive.index,
                 mapped(fmt::format("disk[{}]", device), fmt::format("is {} now", drive.path)));
    if (machine.disks[drive.index].shared)
      account.tell(Aspect::disk_sharing, drive.index,
                   needs_action("put the disk where all its machines reach it",
                                "several machines write to it"));
  }
  text += fmt::format("disk = [\n{}]\n", disks);
  std::string cards;
  for (std::size_t index = 0; index < machine.nics.size(); ++index) {
    const Nic& nic = machine.nics[index];
    const NetworkTarget* target = mapped_network(nic, request.options.networks);
    std::string card = nic.mac.empty() || is_multicast(nic.mac) ? "" : "mac=" + nic.mac + ",";
    const bool on_bridge = target != nullptr && !target->bridge.empty();
    if (on_bridge) {
      const std::string model = target_nic_model(nic, decisions).name;
      cards += fmt::format("  {},\n",
                           quoted(fmt::format("{}bridge={}{}", card, without_commas(target->bridge),
                                              model == "netfront" ? "" : ",model=" + model)));
      continue;
    }
    // xl has no link that is down: a card without a network is left out, its MAC in a comment.
    cards += fmt::format("  # {}not connected\n", card);
    account.tell(Aspect::nic_network, index,
                 needs_action(fmt::format("map {} to a bridge (--map)", network_description(nic)),
                              "the network is not mapped; the card is left out"));
    account.tell(
        Aspect::nic_mac, index,
        needs_action("give the card this MAC when its network is mapped", "the card is left out"));
  }
  text += fmt::format("vif = [\n{}]\n", cards);
  set("serial", "\"pty\"");
  set("vga", "\"stdvga\"");
  set("vnc", "1");
  set("usb", "1");
  set("usbdevice", "\"tablet\"");
  set("on_crash", "\"destroy\"");
  tell_kvm_actions(machine, account);
  tell_kept_changes(machine, account);
  return Written{std::move(text), account.entries(machine)};
}

}  // namespace vmlift::vm
