// Writes /etc/pve/qemu-server/ID.conf of Proxmox VE.
#include <fmt/format.h>

#include <algorithm>
#include <map>

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
    {Aspect::name, LossStatus::mapped, "name"},
    {Aspect::annotation, LossStatus::kept, "description"},
    {Aspect::smbios_uuid, LossStatus::mapped, "smbios1"},
    {Aspect::serial_number, LossStatus::kept, "smbios1"},
    {Aspect::generation_id, LossStatus::mapped, "vmgenid"},
    {Aspect::guest_os, LossStatus::mapped, "ostype"},
    {Aspect::firmware, LossStatus::kept, "bios"},
    {Aspect::secure_boot, LossStatus::mapped, "efidisk0"},
    {Aspect::boot_order, LossStatus::mapped, "boot"},
    {Aspect::clock, LossStatus::mapped, "localtime"},
    {Aspect::cpu_count, LossStatus::kept, "cores"},
    {Aspect::cpu_topology, LossStatus::mapped, "sockets"},
    {Aspect::memory_size, LossStatus::kept, "memory"},
    {Aspect::controller, LossStatus::mapped, "scsihw"},
    {Aspect::controller_model, LossStatus::mapped, "scsihw"},
    {Aspect::disk, LossStatus::mapped, "disks"},
    {Aspect::disk_source, LossStatus::mapped, "disks"},
    {Aspect::disk_serial, LossStatus::kept, "disks"},
    {Aspect::disk_mode, LossStatus::dropped, "Proxmox' snapshots take every disk along"},
    {Aspect::cpu_nested, LossStatus::needs_action,
     "choose a CPU type that shows virtualisation to the guest: cpu: host"},
    {Aspect::disk_capacity, LossStatus::kept, "the disk's own size"},
    {Aspect::disk_boot, LossStatus::mapped, "boot"},
    {Aspect::medium, LossStatus::mapped, "ide2"},
    {Aspect::nic, LossStatus::mapped, "net"},
    {Aspect::nic_mac, LossStatus::kept, "net"},
    {Aspect::nic_model, LossStatus::mapped, "net"},
    {Aspect::nic_network, LossStatus::mapped, "net"},
    {Aspect::nic_connected, LossStatus::mapped, "net"},
    {Aspect::serial_port, LossStatus::mapped, "serial0"},
    {Aspect::video, LossStatus::mapped, "vga"},
};

/// A value of a property string: ',' and '=' part them, a line ends them.
std::string plain(std::string_view text) {
  std::string value;
  for (const char c : printable_utf8(text))
    value += c == ',' || c == '=' || c == '\n' || c == '\r' || c == ';' ? '_' : c;
  return value;
}

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t byte = 0; byte < 3; ++byte)
      group =
          group << 8 | (at + byte < text.size() ? static_cast<unsigned char>(text[at + byte]) : 0);
    for (std::size_t digit = 0; digit < 4; ++digit)
      out += at + digit > text.size() ? '=' : kDigits[group >> (18 - 6 * digit) & 63];
  }
  return out;
}

/// Proxmox wants a DNS name.
std::string host_name(const std::string& name) {
  std::string host;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter)
      host += c;
    else if (!host.empty() && host.back() != '-')
      host += '-';
  }
  host = host.substr(0, 63);
  while (host.ends_with('-')) host.pop_back();
  return host.empty() ? "machine" : host;
}

std::string os_type(const GuestOs& os) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"windows11", "win11"},   {"windows2019srvnext", "win11"},
      {"windows2022", "win11"}, {"windows9", "win10"},
      {"windows2019", "win10"}, {"windows8", "win8"},
      {"windows7", "win7"},     {"longhorn", "w2k8"},
      {"winvista", "wvista"},   {"winnet", "w2k3"},
      {"winxp", "wxp"},         {"win2000", "w2k"}};
  for (const auto& [prefix, type] : kTypes)
    if (os.id.starts_with(prefix)) return std::string(type);
  const GuestFamily family = guest_family(os);
  return family == GuestFamily::linux     ? "l26"
         : family == GuestFamily::windows ? "win10"
         : family == GuestFamily::solaris ? "solaris"
                                          : "other";
}

}  // namespace

std::span<const AspectRule> qm_account_rules() { return kRules; }

Result<Written> write_qm(const WriteRequest& request) {
  const Machine& machine = request.machine;
  const Decisions& decisions = request.decisions;
  Account account(kRules);
  std::string text;
  const auto set = [&](std::string_view key, std::string_view value) {
    text += fmt::format("{}: {}\n", key, value);
  };

  // Notes stand as comments, with everything that could end one percent-encoded.
  if (!machine.identity.annotation.empty())
    text += fmt::format("#{}\n", percent_encoded(printable_utf8(machine.identity.annotation)));
  const bool efi = decisions.is("firmware", "efi");
  const bool secure = efi && decisions.is("secure-boot", "yes");
  set("name", host_name(machine.identity.name));
  set("ostype", os_type(machine.guest_os));
  set("bios", efi ? "ovmf" : "seabios");
  if (decisions.is("machine", "q35")) set("machine", "q35");
  if (efi)
    set("efidisk0", fmt::format("local-lvm:1,efitype=4m,pre-enrolled-keys={}", secure ? 1 : 0));
  const Topology topology = kvm_topology(machine, decisions);
  set("sockets", std::to_string(topology.sockets));
  set("cores", std::to_string(topology.cores * topology.threads));
  const std::uint64_t bytes = machine.memory.size.value_or(kMiB * 1024);
  set("memory", std::to_string(bytes / kMiB + (bytes % kMiB != 0)));
  std::string smbios;
  if (const auto& uuid = machine.identity.smbios_uuid)
    smbios = fmt::format(
        "uuid={}",
        (decisions.is("uuid", "management") ? uuid->stored : uuid->guest_visible()).text());
  if (!machine.identity.serial.empty())
    smbios += fmt::format("{}base64=1,serial={}", smbios.empty() ? "" : ",",
                          base64(machine.identity.serial));
  if (!smbios.empty()) set("smbios1", smbios);
  if (machine.identity.generation) set("vmgenid", machine.identity.generation->guid().text());
  set("localtime", decisions.is("clock", "localtime") ? "1" : "0");

  const TargetDrives drives = plan_drives(machine, request.options, decisions);
  std::string boot;
  std::map<std::string, int> numbers;
  std::string scsi_model = "virtio-scsi-single";
  for (const TargetDrive& drive : drives.disks) {
    const Drive& source = machine.disks[drive.index];
    const std::string bus =
        drive.bus == "virtio" || drive.bus == "scsi" || drive.bus == "ide" ? drive.bus : "sata";
    if (bus == "scsi")
      scsi_model = drive.scsi_model == "vmpvscsi"     ? "pvscsi"
                   : drive.scsi_model == "lsilogic"   ? "lsi"
                   : drive.scsi_model == "lsisas1068" ? "megasas"
                                                      : "virtio-scsi-single";
    const std::string name = fmt::format("{}{}", bus, numbers[bus]++);
    std::string value = fmt::format("{},format={}", plain(drive.path), plain(drive.format));
    if (!source.serial.empty())
      value += fmt::format(",serial={}", plain(source.serial).substr(0, 20));
    set(name, value);
    boot += (boot.empty() ? "" : ";") + name;
    account.tell(Aspect::disk_source, drive.index,
                 mapped(name, fmt::format("is {} now", drive.path)));
    account.tell(Aspect::disk, drive.index, mapped(name, drive.reason));
    if (source.shared)
      account.tell(Aspect::disk_sharing, drive.index,
                   needs_action("put the disk on shared storage", "several machines write to it"));
  }
  if (numbers.contains("scsi")) set("scsihw", scsi_model);
  if (std::ranges::any_of(machine.media,
                          [](const Medium& m) { return m.kind == Medium::Kind::cdrom; })) {
    set("ide2", "none,media=cdrom");
    boot += (boot.empty() ? "ide2" : ";ide2");
  }
  if (!boot.empty()) set("boot", "order=" + boot);

  for (std::size_t index = 0; index < machine.nics.size(); ++index) {
    const Nic& nic = machine.nics[index];
    const NetworkTarget* target = mapped_network(nic, request.options.networks);
    const bool on_bridge = target != nullptr && !target->bridge.empty();
    std::string value = target_nic_model(nic, decisions).name;
    if (!nic.mac.empty() && !is_multicast(nic.mac))
      value += "=" + nic.mac;
    else
      account.tell(Aspect::nic_mac, index,
                   needs_action("give the NIC the MAC that the guest knows",
                                "the source states no usable MAC"));
    // A NIC without a bridge is behind QEMU's own NAT; its link stays down.
    if (on_bridge) value += ",bridge=" + plain(target->bridge);
    if (on_bridge && target->vlan) value += fmt::format(",tag={}", *target->vlan);
    if (!on_bridge || !nic.connected) value += ",link_down=1";
    set(fmt::format("net{}", index), value);
    if (!on_bridge)
      account.tell(Aspect::nic_network, index,
                   needs_action(fmt::format("map {} to a bridge (--map), then set the link up",
                                            network_description(nic)),
                                "the network is not mapped; the link is down"));
  }
  if (machine.tpm)
    account.tell(Aspect::tpm, needs_action("have the recovery keys of BitLocker or LUKS at hand",
                                           "a TPM's secrets cannot be moved"));
  if (decisions.is("tpm", "yes")) set("tpmstate0", "local-lvm:1,version=v2.0");
  set("serial0", "socket");
  set("vga", decisions.is("video", "virtio") ? "virtio" : "std");
  set("agent", "1");
  tell_kvm_actions(machine, account);
  tell_kept_changes(machine, account);
  tell_disk_serials(machine, account, "serial");
  return Written{std::move(text), account.entries(machine)};
}

}  // namespace vmlift::vm
