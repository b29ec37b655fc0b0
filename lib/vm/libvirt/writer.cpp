// Writes a libvirt domain for QEMU/KVM or Xen.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "vm/account.hpp"
#include "vm/guest_os.hpp"
#include "vm/kvm_actions.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/libvirt/account_rules.hpp"
#include "vm/libvirt/libvirt.hpp"
#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr const char* kNamespace = "urn:vmlift:domain:1";
constexpr std::uint64_t kKiB = 1024;

const char* yes_no(bool yes) { return yes ? "yes" : "no"; }

/// A domain's name is a file name to libvirt.
std::string domain_name(const std::string& name) {
  std::string safe;
  for (const char c : printable_utf8(name)) {
    const auto byte = static_cast<unsigned char>(c);
    safe += c == '/' || byte < 0x20 || byte == 0x7f ? '_' : c;
  }
  if (trim(safe).empty()) return "machine";
  return safe == "." || safe == ".." ? "_" + safe : safe;
}

std::string one_line(std::string_view text) {
  std::string line = printable_utf8(text);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  return line;
}

class DomainWriter {
 public:
  explicit DomainWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(libvirt_account_rules()),
        drives_(plan_drives(request.machine, request.options, request.decisions)) {}

  Written write() {
    domain_ = add_element(document_, "domain", {{"type", decisions_["domain-type"]}});
    identity();
    memory();
    processors();
    firmware();
    features();
    cpu();
    clock();
    for (const char* event : {"on_poweroff", "on_reboot", "on_crash"})
      add_text(domain_, event, event == std::string_view("on_reboot") ? "restart" : "destroy");
    devices();
    tell_kvm_actions(machine_, account_);
    tell_disk_serials(machine_, account_, "devices/disk/serial");
    if (is_xen()) xen_has_no();
    return {xml_text(document_), account_.entries(machine_)};
  }

 private:
  bool is_xen() const { return decisions_.is("domain-type", "xen"); }
  bool is_efi() const { return decisions_.is("firmware", "efi"); }
  bool adds_processors() const { return machine_.cpu.hot_add && decisions_.is("hot-add", "yes"); }
  bool adds_memory() const { return machine_.memory.hot_add && decisions_.is("hot-add", "yes"); }
  /// How many virtual CPUs there may be: twice those it starts with where they can be added.
  std::uint32_t most_processors() const {
    return machine_.cpu.count.value_or(1) * (adds_processors() ? 2 : 1);
  }
  bool is_windows() const { return guest_family(machine_.guest_os) == GuestFamily::windows; }

  void identity() {
    const Identity& identity = machine_.identity;
    const std::string name = domain_name(identity.name);
    add_text(domain_, "name", name);
    if (identity.smbios_uuid) {
      const bool management = decisions_.is("uuid", "management");
      const Uuid uuid =
          management ? identity.smbios_uuid->stored : identity.smbios_uuid->guest_visible();
      add_text(domain_, "uuid", uuid.text());
      if (uuid == identity.smbios_uuid->stored) account_.tell(Aspect::smbios_uuid, kept("uuid"));
    }
    if (identity.generation && !is_xen())
      add_text(domain_, "genid", identity.generation->guid().text());
    if (name != identity.name) {
      add_text(domain_, "title", one_line(identity.name));
      account_.tell(
          Aspect::name,
          mapped("name", "characters that a domain's name cannot have; the original is the title"));
    }
    if (!identity.annotation.empty()) add_text(domain_, "description", identity.annotation);
    metadata();
  }

  void metadata() {
    const auto metadata = add_element(domain_, "metadata");
    if (const std::string id = libosinfo_id(machine_.guest_os); !id.empty()) {
      const auto info =
          add_element(metadata, "libosinfo:libosinfo",
                      {{"xmlns:libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0"}});
      add_element(info, "libosinfo:os", {{"id", id}});
    } else {
      account_.tell(Aspect::guest_os,
                    mapped("metadata/vmlift:source", "libosinfo has no id for it"));
    }
    const auto source = add_element(metadata, "vmlift:source", {{"xmlns:vmlift", kNamespace}});
    add_element(source, "vmlift:machine",
                {{"name", machine_.identity.name}, {"dialect", request_.definition.dialect}});
    if (!machine_.guest_os.source_id.empty())
      add_element(source, "vmlift:guest", {{"id", machine_.guest_os.source_id}});
    if (machine_.identity.instance_uuid)
      add_element(source, "vmlift:instance", {{"uuid", machine_.identity.instance_uuid->text()}});
    for (const Nic& nic : machine_.nics)
      if (!nic.guest_name.empty())
        add_element(source, "vmlift:nic", {{"mac", nic.mac}, {"name", nic.guest_name}});
  }

  void memory() {
    const std::uint64_t bytes = machine_.memory.size.value_or(std::uint64_t{1} << 30);
    const std::string kibibytes = std::to_string(bytes / kKiB + (bytes % kKiB != 0));
    if (adds_memory()) {
      add_text(domain_, "maxMemory", std::to_string(bytes / kKiB * 2),
               {{"slots", "16"}, {"unit", "KiB"}});
      account_.tell(Aspect::memory_hot_add, mapped("maxMemory"));
    }
    add_text(domain_, "memory", kibibytes, {{"unit", "KiB"}});
    if (machine_.memory.pinned && decisions_.is("memory-lock", "yes")) {
      add_element(add_element(domain_, "memoryBacking"), "locked");
      account_.tell(Aspect::memory_pinned, mapped("memoryBacking/locked"));
    }
  }

  void processors() {
    const std::uint32_t count = machine_.cpu.count.value_or(1);
    auto vcpu = add_element(domain_, "vcpu", {{"placement", "static"}});
    if (!machine_.cpu.affinity.empty() && decisions_.is("cpu-affinity", "yes")) {
      vcpu.append_attribute("cpuset").set_value(printable_utf8(machine_.cpu.affinity).c_str());
      account_.tell(Aspect::cpu_affinity, kept("vcpu/@cpuset"));
    }
    if (adds_processors()) {
      vcpu.append_attribute("current") = count;
      account_.tell(Aspect::cpu_hot_add, mapped("vcpu/@current"));
    }
    vcpu.text().set(most_processors());
    if (decisions_.is("cpu-shares", "yes")) cpu_shares(count);
  }

  /// VMware's words stand for 500, 1000 and 2000 a virtual CPU; cgroups count 1024 for each.
  void cpu_shares(std::uint32_t count) {
    const Allocation& allocation = machine_.cpu.allocation;
    if (allocation.shares.empty()) return;
    const std::string level = lower(allocation.shares);
    const std::uint64_t each = level == "low" ? 512 : level == "high" ? 2048 : 1024;
    const std::uint64_t shares = parse_unsigned(level).value_or(each * count);
    add_text(add_element(domain_, "cputune"), "shares",
             std::to_string(std::clamp<std::uint64_t>(shares, 2, 262144)));
    account_.tell(Aspect::cpu_shares, mapped("cputune/shares"));
  }

  void firmware() {
    if (!machine_.identity.serial.empty() && !is_xen()) {
      const auto system =
          add_element(add_element(domain_, "sysinfo", {{"type", "smbios"}}), "system");
      add_text(system, "entry", machine_.identity.serial, {{"name", "serial"}});
    }
    auto os = add_element(domain_, "os");
    const bool secure = is_efi() && decisions_.is("secure-boot", "yes");
    if (is_efi()) os.append_attribute("firmware") = "efi";
    const std::string& board = decisions_["machine"];
    add_text(os, "type", "hvm", {{"arch", "x86_64"}, {"machine", board}});
    if (is_efi()) {
      // <os firmware='efi'> without a word on secure boot gives whatever image the host lists
      // first, which may have it on.
      const auto features = add_element(os, "firmware");
      if (secure) add_element(features, "feature", {{"enabled", "yes"}, {"name", "enrolled-keys"}});
      add_element(features, "feature", {{"enabled", yes_no(secure)}, {"name", "secure-boot"}});
    }
    if (!machine_.identity.serial.empty() && !is_xen())
      add_element(os, "smbios", {{"mode", "sysinfo"}});
    if (secure)
      account_.tell(
          Aspect::secure_boot,
          mapped("os/firmware/feature",
                 "with Microsoft's keys; keys of the source's own NVRAM are not taken over"));
    if (!machine_.firmware.nvram.empty() && is_efi()) {
      account_.tell(
          Aspect::nvram,
          needs_action(
              "boot entries and keys of the old variable store are lost: make sure the guest boots by "
              "\\EFI\\BOOT\\BOOTX64.EFI, or add its boot entry anew",
              "VMware's NVRAM cannot be converted"));
    }
  }

  void features() {
    const auto features = add_element(domain_, "features");
    add_element(features, "acpi");
    add_element(features, "apic");
    if (is_xen()) {
      add_element(features, "pae");
      return;
    }
    if (!decisions_.is("hyperv", "none")) hyperv(features);
    if (is_efi() && decisions_.is("secure-boot", "yes"))
      add_element(features, "smm", {{"state", "on"}});
    add_element(features, "vmport", {{"state", "off"}});
  }

  void hyperv(pugi::xml_node features) {
    const auto hyperv = add_element(features, "hyperv", {{"mode", "custom"}});
    const auto add = [&](const char* name) {
      if (request_.host.allows("features/hyperv/features", name))
        add_element(hyperv, name, {{"state", "on"}});
    };
    add("relaxed");
    add("vapic");
    add_element(hyperv, "spinlocks", {{"state", "on"}, {"retries", "8191"}});
    if (!decisions_.is("hyperv", "full")) return;
    for (const char* name : {"vpindex", "runtime", "synic", "stimer", "reset", "frequencies",
                             "reenlightenment", "tlbflush", "ipi"})
      add(name);
  }

  void cpu() {
    const std::string& mode = decisions_["cpu"];
    auto cpu = add_element(domain_, "cpu");
    if (mode == "host-model" || mode == "host-passthrough" || mode == "maximum") {
      cpu.append_attribute("mode") = mode.c_str();
    } else if (mode != "default") {
      cpu.append_attribute("mode") = "custom";
      cpu.append_attribute("match") = "exact";
      add_text(cpu, "model", mode, {{"fallback", "forbid"}});
    }
    const Topology topology = kvm_topology(machine_, decisions_);
    const std::uint32_t sockets = topology.sockets * (adds_processors() ? 2 : 1);
    add_element(cpu, "topology",
                {{"sockets", std::to_string(sockets)},
                 {"cores", std::to_string(topology.cores)},
                 {"threads", std::to_string(topology.threads)}});
    if (adds_memory()) {
      const std::uint64_t kibibytes = machine_.memory.size.value_or(std::uint64_t{1} << 30) / kKiB;
      add_element(add_element(cpu, "numa"), "cell",
                  {{"id", "0"},
                   {"cpus", fmt::format("0-{}", most_processors() - 1)},
                   {"memory", std::to_string(kibibytes)},
                   {"unit", "KiB"}});
    }
    account_.tell(Aspect::cpu_nested,
                  mode.starts_with("host-")
                      ? mapped("cpu/@mode", "the host's CPU has it where the host allows nesting")
                      : dropped(fmt::format("the CPU {} has no virtualisation of its own: "
                                            "--set cpu=host-model",
                                            mode)));
    if (decisions_.is("topology", "source"))
      account_.tell(Aspect::cpu_topology, kept("cpu/topology"));
    else
      account_.tell(Aspect::cpu_topology, mapped("cpu/topology", decisions_.reason("topology")));
  }

  void clock() {
    auto clock = add_element(domain_, "clock");
    const std::string& base = decisions_["clock"];
    if (base == "offset") {
      clock.append_attribute("offset") = "variable";
      clock.append_attribute("adjustment") =
          std::to_string(machine_.clock.offset.value_or(0)).c_str();
      clock.append_attribute("basis") = "utc";
    } else {
      clock.append_attribute("offset") = base.c_str();
    }
    if (is_xen()) return;
    add_element(clock, "timer", {{"name", "rtc"}, {"tickpolicy", "catchup"}});
    add_element(clock, "timer", {{"name", "pit"}, {"tickpolicy", "delay"}});
    add_element(clock, "timer",
                {{"name", "hpet"},
                 {"present", yes_no(machine_.clock.hpet.value_or(false) && !is_windows())}});
    if (!decisions_.is("hyperv", "none"))
      add_element(clock, "timer", {{"name", "hypervclock"}, {"present", "yes"}});
  }

  void devices() {
    devices_ = add_element(domain_, "devices");
    for (const TargetDrive& drive : drives_.disks) disk(drive);
    for (const TargetMedium& target : drives_.media) medium(target);
    controllers();
    for (std::size_t index = 0; index < machine_.nics.size(); ++index) nic(index);
    ports();
    if (!is_xen()) add_element(devices_, "input", {{"type", "tablet"}, {"bus", "usb"}});
    tpm();
    display();
    if (is_xen()) return;
    if (machine_.watchdog)
      add_element(devices_, "watchdog", {{"model", "i6300esb"}, {"action", "reset"}});
    guest_devices();
  }

  void disk(const TargetDrive& drive) {
    const Drive& source = machine_.disks[drive.index];
    // /dev/shm is a file system of plain files.
    const bool block = drive.path.starts_with("/dev/") && !drive.path.starts_with("/dev/shm/");
    auto disk =
        add_element(devices_, "disk", {{"type", block ? "block" : "file"}, {"device", "disk"}});
    auto driver = add_element(disk, "driver", {{"name", "qemu"}, {"type", drive.format}});
    const std::string cache = source.shared ? "none" : decisions_["disk-cache"];
    if (cache != "default") {
      driver.append_attribute("cache") = cache.c_str();
      if (cache == "none" || cache == "directsync") driver.append_attribute("io") = "native";
      driver.append_attribute("discard") = "unmap";
    }
    add_element(disk, "source", {{block ? "dev" : "file", drive.path}});
    add_element(disk, "target", {{"dev", drive.name}, {"bus", drive.bus}});
    if (source.io.limit && decisions_.is("io-limits", "yes")) {
      add_text(add_element(disk, "iotune"), "total_iops_sec", std::to_string(*source.io.limit));
      account_.tell(Aspect::disk_io, drive.index, mapped("iotune/total_iops_sec"));
    }
    if (source.shared) {
      add_element(disk, "shareable");
      account_.tell(
          Aspect::disk_sharing, drive.index,
          needs_action(
              "put the disk where every machine that shares it can reach it, as raw or on a cluster-aware store",
              "several machines write to it"));
    }
    const bool nonpersistent = contains_ignoring_case(source.mode, "nonpersistent");
    if (nonpersistent) add_element(disk, "transient");
    if (source.read_only) add_element(disk, "readonly");
    if (!source.serial.empty()) add_text(disk, "serial", disk_serial(source.serial));
    add_element(disk, "boot", {{"order", std::to_string(drive.boot_order)}});
    if (drive.bus == "scsi") {
      // One target for each disk, LUN 0: the only LUN that the emulated VMware and LSI
      // controllers have. The old parallel ones know targets by their unit.
      const bool parallel = drive.scsi_model == "lsilogic";
      const std::string place = std::to_string(drive.unit);
      add_element(disk, "address",
                  {{"type", "drive"},
                   {"controller", std::to_string(drive.controller)},
                   {"bus", "0"},
                   {"target", parallel ? "0" : place},
                   {"unit", parallel ? place : "0"}});
    }
    account_disk(drive, source, nonpersistent);
  }

  void account_disk(const TargetDrive& drive, const Drive& source, bool nonpersistent) {
    const std::string element = fmt::format("devices/disk[{}]", drive.name);
    account_.tell(Aspect::disk, drive.index, mapped(element, drive.reason));
    account_.tell(Aspect::disk_source, drive.index,
                  mapped(element + "/source", fmt::format("is {} now", drive.path)));
    if (nonpersistent)
      account_.tell(Aspect::disk_mode, drive.index, mapped(element + "/transient"));
    else if (!equal_ignoring_case(source.mode, "persistent"))
      account_.tell(Aspect::disk_mode, drive.index,
                    dropped("snapshots of the target take every disk along"));
  }

  /// Serial numbers of disks are short in SCSI and ATA; QEMU takes no blanks.
  static std::string disk_serial(const std::string& text) {
    std::string serial;
    for (const char c : text)
      if (std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")
              .find(c) != std::string_view::npos)
        serial += c;
    return serial.substr(0, 36);
  }

  void medium(const TargetMedium& target) {
    const Medium& source = machine_.media[target.index];
    const bool floppy = source.kind == Medium::Kind::floppy;
    const std::string element = fmt::format("devices/disk[{}]", target.name);
    const DiskTarget* named = nullptr;
    if (source.source) {
      const auto found = request_.options.disks.find(*source.source);
      if (found != request_.options.disks.end()) named = &found->second;
    }
    if (floppy && named == nullptr) {
      account_.tell(Aspect::medium, target.index, dropped("an empty floppy drive is of no use"));
      account_.tell(Aspect::medium_source, target.index, dropped("the image was not carried over"));
      account_.tell(Aspect::medium_connected, target.index,
                    dropped("an empty floppy drive is of no use"));
      return;
    }
    auto disk =
        add_element(devices_, "disk", {{"type", "file"}, {"device", floppy ? "floppy" : "cdrom"}});
    add_element(disk, "driver", {{"name", "qemu"}, {"type", "raw"}});
    if (named != nullptr) add_element(disk, "source", {{"file", named->path}});
    add_element(disk, "target", {{"dev", target.name}, {"bus", target.bus}});
    if (!floppy) add_element(disk, "readonly");
    if (target.boot_order != 0)
      add_element(disk, "boot", {{"order", std::to_string(target.boot_order)}});
    account_.tell(Aspect::medium, target.index, mapped(element));
    if (named != nullptr)
      account_.tell(Aspect::medium_source, target.index, mapped(element + "/source"));
    else if (source.source)
      account_.tell(
          Aspect::medium_source, target.index,
          dropped("the drive is empty: a medium of the source's host is not at the target"));
  }

  void controllers() {
    std::map<std::uint32_t, std::string> scsi;
    for (const TargetDrive& drive : drives_.disks)
      if (drive.bus == "scsi") scsi.emplace(drive.controller, drive.scsi_model);
    for (const auto& [index, model] : scsi)
      add_element(devices_, "controller",
                  {{"type", "scsi"}, {"index", std::to_string(index)}, {"model", model}});
    for (std::size_t at = 0; at < machine_.controllers.size(); ++at)
      account_controller(at, machine_.controllers[at], scsi);
    if (is_xen()) return;
    const bool legacy = guest_is_legacy(machine_.guest_os);
    add_element(devices_, "controller",
                {{"type", "usb"}, {"index", "0"}, {"model", legacy ? "piix3-uhci" : "qemu-xhci"}});
  }

  void account_controller(std::size_t at, const Controller& controller,
                          const std::map<std::uint32_t, std::string>& scsi) {
    const auto target = scsi.find(controller.index);
    const bool is_scsi = controller.bus == Bus::scsi && target != scsi.end();
    const auto hangs_here = [&](const auto& drive) {
      return drive.bus == bus_name(controller.bus);
    };
    const bool others =
        controller.bus != Bus::scsi && (std::ranges::any_of(drives_.disks, hangs_here) ||
                                        std::ranges::any_of(drives_.media, hangs_here));
    if (!is_scsi && !others) {
      const std::string why = "nothing hangs on it at the target, where drives have other buses";
      account_.tell(Aspect::controller, at, dropped(why));
      account_.tell(Aspect::controller_model, at, dropped(why));
      return;
    }
    const std::string element =
        is_scsi ? fmt::format("devices/controller[scsi{}]", controller.index)
                : fmt::format("devices/disk/target[{}]", bus_name(controller.bus));
    account_.tell(Aspect::controller, at, mapped(element));
    account_.tell(Aspect::controller_model, at,
                  is_scsi ? mapped(element + "/@model", fmt::format("is {} now", target->second))
                          : defaulted(element, "the board's own controller"));
  }

  /// What <domain type='xen'> takes no word of.
  void xen_has_no() {
    for (const Aspect aspect : {Aspect::generation_id, Aspect::serial_number, Aspect::watchdog,
                                Aspect::usb, Aspect::hpet})
      account_.tell(aspect, dropped("a Xen guest has no such thing in libvirt"));
  }

  void nic(std::size_t index) {
    const Nic& nic = machine_.nics[index];
    const NetworkTarget* network = mapped_network(nic, request_.options.networks);
    const bool on_libvirt = network != nullptr && network->multus.empty();
    pugi::xml_node interface;
    if (on_libvirt && !network->bridge.empty()) {
      interface = add_element(devices_, "interface", {{"type", "bridge"}});
      add_mac(interface, nic, index);
      add_element(interface, "source", {{"bridge", network->bridge}});
    } else if (on_libvirt) {
      interface = add_element(devices_, "interface", {{"type", "network"}});
      add_mac(interface, nic, index);
      auto source = add_element(interface, "source", {{"network", network->network}});
      if (!network->portgroup.empty())
        source.append_attribute("portgroup") = network->portgroup.c_str();
    } else if (decisions_.is("unmapped-network", "default") || is_xen()) {
      interface = add_element(devices_, "interface", {{"type", "network"}});
      add_mac(interface, nic, index);
      add_element(interface, "source", {{"network", "default"}});
    } else {
      interface = add_element(devices_, "interface", {{"type", "user"}});
      add_mac(interface, nic, index);
    }
    if (on_libvirt && network->vlan)
      add_element(add_element(interface, "vlan"), "tag", {{"id", std::to_string(*network->vlan)}});
    const NicModel model = target_nic_model(nic, decisions_);
    add_element(interface, "model", {{"type", model.name}});
    if (!on_libvirt || !nic.connected) add_element(interface, "link", {{"state", "down"}});
    if (nic.pci_slot && decisions_.is("acpi-index", "yes"))
      add_element(interface, "acpi", {{"index", std::to_string(*nic.pci_slot)}});
    account_nic(index, nic, model, on_libvirt);
  }

  void add_mac(pugi::xml_node interface, const Nic& nic, std::size_t index) {
    if (nic.mac.empty()) {
      account_.tell(
          Aspect::nic_mac, index,
          needs_action("give the NIC the MAC that the guest knows, or expect it to see a new card",
                       "the source states no MAC"));
      return;
    }
    if (is_multicast(nic.mac)) {
      account_.tell(Aspect::nic_mac, index,
                    needs_action("choose a unicast MAC", "no NIC can have a multicast MAC"));
      return;
    }
    add_element(interface, "mac", {{"address", nic.mac}});
  }

  void account_nic(std::size_t index, const Nic& nic, const NicModel& model, bool mapped_here) {
    const std::string element = fmt::format("devices/interface[{}]", index);
    account_.tell(Aspect::nic, index, mapped(element));
    if (!nic.mac.empty()) account_.tell(Aspect::nic_mac, index, kept(element + "/mac"));
    if (model.name == nic.model)
      account_.tell(Aspect::nic_model, index, kept(element + "/model"));
    else
      account_.tell(
          Aspect::nic_model, index,
          mapped(element + "/model",
                 !model.reason.empty() ? model.reason : fmt::format("is {} now", model.name)));
    if (mapped_here)
      account_.tell(Aspect::nic_network, index, mapped(element + "/source"));
    else
      account_.tell(
          Aspect::nic_network, index,
          needs_action(
              fmt::format("map {} to a network of the target (--map), then set the link up",
                          network_description(nic)),
              "the network is not mapped; the link is down"));
    account_.tell(Aspect::nic_connected, index,
                  nic.connected ? mapped(element) : mapped(element + "/link"));
    if (nic.pci_slot && decisions_.is("acpi-index", "yes"))
      account_.tell(Aspect::nic_slot, index, mapped(element + "/acpi/@index"));
    else if (!nic.guest_name.empty())
      account_.tell(
          Aspect::nic_slot, index,
          mapped("metadata/vmlift:source",
                 fmt::format("the guest named the NIC {}; the new name follows from the new slot",
                             nic.guest_name)));
  }

  void ports() {
    const std::string& kind = decisions_["serial"];
    if (kind == "none") {
      account_.tell(Aspect::serial_port, dropped("no serial ports: --set serial=none"));
      return;
    }
    const std::size_t count =
        std::max<std::size_t>(1, std::min<std::size_t>(4, machine_.serials.size()));
    for (std::size_t port = 0; port < count; ++port) {
      const Port* source = port < machine_.serials.size() ? &machine_.serials[port] : nullptr;
      const bool file = kind == "source" && source != nullptr && source->kind == "file" &&
                        source->target.starts_with('/');
      auto serial = add_element(devices_, "serial", {{"type", file ? "file" : "pty"}});
      if (file) add_element(serial, "source", {{"path", source->target}});
      add_element(serial, "target", {{"port", std::to_string(port)}});
    }
    for (std::size_t port = count; port < machine_.serials.size(); ++port)
      account_.tell(Aspect::serial_port, port, dropped("a PC has four serial ports"));
  }

  void tpm() {
    if (!machine_.tpm && !decisions_.is("tpm", "yes")) return;
    account_.tell(
        Aspect::tpm,
        needs_action(
            "have the recovery keys of BitLocker, LUKS or whatever was sealed to the TPM at hand before the "
            "first boot, or suspend the protection in the source",
            decisions_.is("tpm", "yes")
                ? "the target has a TPM, but a new and empty one"
                : fmt::format("the target has no TPM: {}", decisions_.reason("tpm"))));
    if (!decisions_.is("tpm", "yes")) return;
    const auto tpm = add_element(devices_, "tpm", {{"model", "tpm-crb"}});
    add_element(tpm, "backend",
                {{"type", "emulator"}, {"version", "2.0"}, {"persistent_state", "yes"}});
  }

  void display() {
    const auto graphics =
        add_element(devices_, "graphics", {{"type", "vnc"}, {"port", "-1"}, {"autoport", "yes"}});
    add_element(graphics, "listen", {{"type", "address"}, {"address", "127.0.0.1"}});
    if (!decisions_.is("sound", "none")) {
      add_element(devices_, "sound", {{"model", decisions_["sound"]}});
      account_.tell(Aspect::sound, mapped("devices/sound", decisions_.reason("sound")));
    }
    const std::string& model = decisions_["video"];
    auto element = add_element(add_element(devices_, "video"), "model", {{"type", model}});
    if (model == "vga") element.append_attribute("vram") = "16384";
  }

  void guest_devices() {
    if (!decisions_.is("guest-devices", "yes")) {
      add_element(devices_, "memballoon", {{"model", "none"}});
      return;
    }
    const auto channel = add_element(devices_, "channel", {{"type", "unix"}});
    add_element(channel, "target", {{"type", "virtio"}, {"name", "org.qemu.guest_agent.0"}});
    add_element(devices_, "memballoon", {{"model", "virtio"}});
    const auto random = add_element(devices_, "rng", {{"model", "virtio"}});
    add_text(random, "backend", "/dev/urandom", {{"model", "random"}});
  }

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  TargetDrives drives_;
  pugi::xml_document document_;
  pugi::xml_node domain_;
  pugi::xml_node devices_;
};

}  // namespace

Result<Written> write_libvirt(const WriteRequest& request) { return DomainWriter(request).write(); }

}  // namespace vmlift::vm
