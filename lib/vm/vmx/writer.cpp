// Writes a VMX file that ESXi and Workstation take.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "vm/account.hpp"
#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/dictionary.hpp"
#include "vm/vmx/vmx.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "displayName"},
    {Aspect::annotation, LossStatus::kept, "annotation"},
    {Aspect::smbios_uuid, LossStatus::kept, "uuid.bios"},
    {Aspect::instance_uuid, LossStatus::kept, "vc.uuid"},
    {Aspect::serial_number, LossStatus::kept, "serialNumber"},
    {Aspect::generation_id, LossStatus::kept, "vm.genid"},
    {Aspect::guest_os, LossStatus::mapped, "guestOS"},
    {Aspect::hardware_version, LossStatus::kept, "virtualHW.version"},
    {Aspect::firmware, LossStatus::kept, "firmware"},
    {Aspect::secure_boot, LossStatus::kept, "uefi.secureBoot.enabled"},
    {Aspect::nvram, LossStatus::dropped, "VMware makes a new variable store"},
    {Aspect::boot_order, LossStatus::mapped, "bios.hddOrder"},
    {Aspect::clock, LossStatus::mapped, "rtc.diffFromUTC"},
    {Aspect::clock_sync, LossStatus::kept, "tools.syncTime"},
    {Aspect::guestinfo, LossStatus::kept, "guestinfo"},
    {Aspect::cpu_count, LossStatus::kept, "numvcpus"},
    {Aspect::cpu_topology, LossStatus::kept, "cpuid.coresPerSocket"},
    {Aspect::cpu_hot_add, LossStatus::kept, "vcpu.hotadd"},
    {Aspect::cpu_nested, LossStatus::kept, "vhv.enable"},
    {Aspect::cpu_iommu, LossStatus::kept, "vvtd.enable"},
    {Aspect::cpu_vbs, LossStatus::kept, "windows.vbs.enabled"},
    {Aspect::hpet, LossStatus::kept, "hpet0.present"},
    {Aspect::cpu_affinity, LossStatus::kept, "sched.cpu.affinity"},
    {Aspect::cpu_allocation, LossStatus::kept, "sched.cpu"},
    {Aspect::cpu_shares, LossStatus::kept, "sched.cpu.shares"},
    {Aspect::cpu_latency, LossStatus::kept, "sched.cpu.latencySensitivity"},
    {Aspect::memory_size, LossStatus::kept, "memSize"},
    {Aspect::memory_hot_add, LossStatus::kept, "mem.hotadd"},
    {Aspect::memory_allocation, LossStatus::kept, "sched.mem"},
    {Aspect::memory_shares, LossStatus::kept, "sched.mem.shares"},
    {Aspect::memory_pinned, LossStatus::kept, "sched.mem.pin"},
    {Aspect::controller, LossStatus::mapped, "controllers"},
    {Aspect::controller_model, LossStatus::mapped, "virtualDev"},
    {Aspect::controller_sharing, LossStatus::kept, "sharedBus"},
    {Aspect::controller_slot, LossStatus::kept, "pciSlotNumber"},
    {Aspect::disk, LossStatus::mapped, "disks"},
    {Aspect::disk_source, LossStatus::mapped, "fileName"},
    {Aspect::disk_mode, LossStatus::kept, "mode"},
    {Aspect::disk_capacity, LossStatus::kept, "the disk's own size"},
    {Aspect::disk_serial, LossStatus::dropped,
     "VMware makes serial numbers of the disk's own UUID"},
    {Aspect::disk_sharing, LossStatus::kept, "sharing"},
    {Aspect::disk_tracking, LossStatus::kept, "ctkEnabled"},
    {Aspect::disk_uuid, LossStatus::kept, "disk.EnableUUID"},
    {Aspect::disk_io, LossStatus::kept, "sched"},
    {Aspect::disk_shares, LossStatus::kept, "sched"},
    {Aspect::disk_raw_mapping, LossStatus::needs_action,
     "map the LUN at the target, or use the copied disk"},
    {Aspect::disk_boot, LossStatus::mapped, "bios.hddOrder"},
    {Aspect::medium, LossStatus::mapped, "media"},
    {Aspect::medium_source, LossStatus::mapped, "fileName"},
    {Aspect::medium_connected, LossStatus::kept, "startConnected"},
    {Aspect::nic, LossStatus::mapped, "ethernet"},
    {Aspect::nic_mac, LossStatus::kept, "address"},
    {Aspect::nic_mac_class, LossStatus::mapped, "addressType"},
    {Aspect::nic_model, LossStatus::mapped, "virtualDev"},
    {Aspect::nic_network, LossStatus::mapped, "networkName"},
    {Aspect::nic_slot, LossStatus::kept, "pciSlotNumber"},
    {Aspect::nic_connected, LossStatus::kept, "startConnected"},
    {Aspect::nic_wake, LossStatus::kept, "wakeOnPcktRcv"},
    {Aspect::serial_port, LossStatus::mapped, "serial"},
    {Aspect::parallel_port, LossStatus::mapped, "parallel"},
    {Aspect::usb, LossStatus::mapped, "usb"},
    {Aspect::sound, LossStatus::mapped, "sound"},
    {Aspect::video, LossStatus::mapped, "svga"},
    {Aspect::watchdog, LossStatus::dropped, "VMware's watchdog is part of its Tools"},
};

class VmxWriter {
 public:
  explicit VmxWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(vmx_account_rules()),
        drives_(plan_vmware_drives(request.machine, request.decisions)) {}

  Written write() {
    set(".encoding", "UTF-8");
    set("config.version", "8");
    set("virtualHW.version", decisions_["hardware-version"]);
    identity();
    processors();
    memory();
    firmware();
    bridges();
    storage();
    for (std::size_t at = 0; at < machine_.nics.size(); ++at) nic(at);
    ports(machine_.serials, "serial");
    ports(machine_.parallels, "parallel");
    other_devices();
    for (const Property& value : machine_.guestinfo)
      if (is_key(value.key)) set("guestinfo." + value.key, value.value);
    same_keys();
    return {std::move(text_), account_.entries(machine_)};
  }

 private:
  void set(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = \"{}\"\n", key, vmx_escaped(value));
    written_.insert(lower(key));
  }
  void set(std::string_view key, bool value) {
    set(key, std::string_view(value ? "TRUE" : "FALSE"));
  }
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set_number(std::string_view key, auto value) {
    set(key, std::string_view(std::to_string(value)));
  }
  void set_if(std::string_view key, const std::string& value) {
    if (!value.empty()) set(key, value);
  }

  /// A key of another dialect may hold what would end it here.
  static bool is_key(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte > 0x20 && byte != 0x7f && c != '=' && c != '"' && c != '#';
    });
  }

  /// As vCenter writes names.
  static std::string escaped_name(const std::string& name) {
    std::string text;
    for (const char c : name) {
      if (c == '/')
        text += "%2f";
      else if (c == '\\')
        text += "%5c";
      else if (c == '%')
        text += "%25";
      else
        text += c;
    }
    return text;
  }

  /// "56 4d 0e 5a 2a 62 8b 3c-7f 3c ..."
  static std::string spaced(const Uuid& uuid) {
    std::string text;
    for (std::size_t at = 0; at < uuid.bytes.size(); ++at)
      text += fmt::format("{}{:02x}", at == 0 ? "" : at == 8 ? "-" : " ", uuid.bytes[at]);
    return text;
  }

  void identity() {
    const Identity& identity = machine_.identity;
    set("displayName", escaped_name(identity.name));
    set_if("annotation", identity.annotation);
    set("guestOS", decisions_["guest-os"]);
    if (identity.smbios_uuid) {
      const Uuid uuid = vmware_bios_uuid(machine_, decisions_);
      set("uuid.bios", spaced(uuid));
      if (uuid != identity.smbios_uuid->stored)
        account_.tell(Aspect::smbios_uuid,
                      mapped("uuid.bios", "VMware shows the guest the first three fields swapped"));
    }
    if (identity.instance_uuid) set("vc.uuid", spaced(*identity.instance_uuid));
    const bool derived = identity.smbios_uuid &&
                         identity.serial == vmware_serial(vmware_bios_uuid(machine_, decisions_));
    if (!derived) set_if("serialNumber", identity.serial);
    if (identity.generation) {
      set_number("vm.genid", static_cast<std::int64_t>(identity.generation->low));
      set_number("vm.genidX", static_cast<std::int64_t>(identity.generation->high));
    }
  }

  void processors() {
    const Cpu& cpu = machine_.cpu;
    const std::uint32_t count = cpu.count.value_or(1);
    set_number("numvcpus", count);
    if (cpu.cores_per_socket) {
      const std::uint64_t cores =
          std::uint64_t{*cpu.cores_per_socket} * cpu.threads_per_core.value_or(1);
      if (count % cores == 0 || machine_.hardware_version)
        set_number("cpuid.coresPerSocket", cores);
      else
        account_.tell(Aspect::cpu_topology,
                      dropped("the virtual CPUs cannot be divided into such sockets"));
    }
    if (cpu.hot_add) set("vcpu.hotadd", true);
    if (cpu.hot_remove) set("vcpu.hotremove", true);
    if (cpu.nested) set("vhv.enable", true);
    if (cpu.iommu) set("vvtd.enable", true);
    if (cpu.vbs) set("windows.vbs.enabled", true);
    set_if("sched.cpu.affinity", cpu.affinity);
    set_if("sched.cpu.latencySensitivity", cpu.latency_sensitivity);
    if (cpu.allocation.reservation) set_number("sched.cpu.min", *cpu.allocation.reservation);
    if (cpu.allocation.limit) set_number("sched.cpu.max", *cpu.allocation.limit);
    set_if("sched.cpu.shares", cpu.allocation.shares);
  }

  void memory() {
    const Memory& memory = machine_.memory;
    const std::uint64_t size = memory.size.value_or(kMiB * 1024);
    set_number("memSize", size / kMiB + (size % kMiB != 0));
    if (memory.hot_add) set("mem.hotadd", true);
    if (memory.pinned) set("sched.mem.pin", true);
    if (memory.allocation.reservation)
      set_number("sched.mem.min", *memory.allocation.reservation / kMiB);
    if (memory.allocation.limit) set_number("sched.mem.max", *memory.allocation.limit / kMiB);
    set_if("sched.mem.shares", memory.allocation.shares);
  }

  void firmware() {
    const bool efi = decisions_.is("firmware", "efi");
    set("firmware", efi ? "efi" : "bios");
    if (efi)
      set("uefi.secureBoot.enabled", machine_.firmware.secure_boot.value_or(false));
    else if (machine_.firmware.secure_boot)
      set("uefi.secureBoot.enabled", false);
    if (!machine_.firmware.nvram.empty() && machine_.hardware_version) {
      set("nvram", machine_.firmware.nvram);
      account_.tell(Aspect::nvram, kept("nvram"));
    }
    if (machine_.tpm) {
      set("managedVM.autoAddVTPM", "software");
      account_.tell(
          Aspect::tpm,
          needs_action(
              "have the recovery keys of BitLocker or LUKS at hand: VMware makes a new TPM when the machine is encrypted",
              "a TPM's secrets cannot be moved"));
    }
    const Clock& clock = machine_.clock;
    if (clock.offset)
      set_number("rtc.diffFromUTC", *clock.offset);
    else if (clock.base == Clock::Base::utc)
      set("rtc.diffFromUTC", "0");
    else if (clock.base == Clock::Base::local_time)
      account_.tell(Aspect::clock,
                    dropped("the guest's own local time is VMware's default for it"));
    if (clock.sync_with_host) set("tools.syncTime", true);
    if (clock.hpet) set("hpet0.present", *clock.hpet);
    if (!machine_.boot_classes.empty()) {
      std::string order;
      for (const std::string& device : machine_.boot_classes)
        order += (order.empty() ? "" : ",") + (device == "disk"      ? std::string("hdd")
                                               : device == "network" ? "ethernet0"
                                                                     : device);
      set("bios.bootOrder", order);
    }
  }

  /// The PCI Express bridges that every machine since hardware version 7 has its devices on.
  void bridges() {
    set("pciBridge0.present", true);
    for (int bridge = 4; bridge <= 7; ++bridge) {
      set(fmt::format("pciBridge{}.present", bridge), true);
      set(fmt::format("pciBridge{}.virtualDev", bridge), "pcieRootPort");
      set(fmt::format("pciBridge{}.functions", bridge), "8");
    }
    set("vmci0.present", true);
  }

  void storage() {
    for (const Controller& controller : vmware_controllers(machine_, drives_)) {
      if (controller.bus == Bus::ide) continue;  // always there
      const std::string name = fmt::format("{}{}", bus_name(controller.bus), controller.index);
      set(name + ".present", true);
      if (controller.bus == Bus::scsi) set_if(name + ".virtualDev", controller.model);
      set_if(name + ".sharedBus", controller.sharing);
      if (controller.pci_slot) set_number(name + ".pciSlotNumber", *controller.pci_slot);
    }
    if (machine_.disks_show_uuids) set("disk.EnableUUID", true);
    const std::vector<std::string> stems = disk_stems(machine_);
    for (std::size_t at = 0; at < machine_.disks.size(); ++at) disk(at, stems[at]);
    bool floppies = false;
    for (std::size_t at = 0; at < machine_.media.size(); ++at) {
      floppies |= machine_.media[at].kind == Medium::Kind::floppy;
      medium(machine_.media[at], drives_[machine_.disks.size() + at].address);
    }
    // VMware takes a floppy drive for granted.
    if (!floppies) set("floppy0.present", false);
    std::string order;
    for (const std::size_t index : boot_sequence(machine_))
      if (machine_.disks[index].boot_order)
        order += (order.empty() ? "" : ",") + drives_[index].address.text();
    set_if("bios.hddOrder", order);
  }

  void disk(std::size_t at, const std::string& stem) {
    const Drive& disk = machine_.disks[at];
    const std::string name = drives_[at].address.text();
    const DiskTarget* target = named_target(disk, request_.options);
    const std::string file =
        target != nullptr && !target->path.empty() ? target->path : stem + ".vmdk";
    set(name + ".present", true);
    set(name + ".fileName", file);
    set(name + ".deviceType", drives_[at].address.bus == Bus::scsi  ? "scsi-hardDisk"
                              : drives_[at].address.bus == Bus::ide ? "ata-hardDisk"
                                                                    : "disk");
    if (!equal_ignoring_case(disk.mode, "persistent")) set(name + ".mode", disk.mode);
    if (disk.shared) set(name + ".sharing", "multi-writer");
    if (disk.change_tracking) set(name + ".ctkEnabled", true);
    set_if(fmt::format("sched.{}.shares", name), disk.io.shares);
    if (disk.io.limit) set_number(fmt::format("sched.{}.throughputCap", name), *disk.io.limit);
    account_.tell(Aspect::disk_source, at,
                  disk.source && file == *disk.source
                      ? kept(name + ".fileName")
                      : mapped(name + ".fileName", fmt::format("is {} now", file)));
    if (disk.read_only)
      account_.tell(Aspect::disk, at, mapped(name, "VMware has no read-only disks"));
  }

  void medium(const Medium& medium, const Address& address) {
    const bool floppy = medium.kind == Medium::Kind::floppy;
    const std::string name = floppy ? fmt::format("floppy{}", address.controller) : address.text();
    set(name + ".present", true);
    const bool image = medium.backing == Medium::Backing::image && medium.source;
    if (floppy) {
      set(name + ".fileType", image ? "file" : "device");
      if (image) set(name + ".fileName", *medium.source);
    } else {
      set(name + ".deviceType", image ? "cdrom-image" : "cdrom-raw");
      if (image)
        set(name + ".fileName", *medium.source);
      else if (medium.backing == Medium::Backing::client)
        set(name + ".clientDevice", true);
      else if (medium.backing == Medium::Backing::host_device)
        set(name + ".fileName", "auto detect");
      else
        set(name + ".fileName", "emptyBackingString");
    }
    if (!medium.connected) set(name + ".startConnected", false);
  }

  void nic(std::size_t at) {
    const Nic& nic = machine_.nics[at];
    const std::string name = fmt::format("ethernet{}", nic.index);
    set(name + ".present", true);
    const std::string model = vmware_nic_model(nic, decisions_);
    set_if(name + ".virtualDev", model == "vmxnet2" ? "vmxnet" : model);
    if (model == "vmxnet2") set(name + ".features", "15");
    account_.tell(Aspect::nic_model, at,
                  model == nic.model
                      ? kept(name + ".virtualDev")
                      : mapped(name + ".virtualDev", fmt::format("is {} now", model)));
    mac(nic, name);
    network(at, nic, name);
    if (nic.pci_slot) set_number(name + ".pciSlotNumber", *nic.pci_slot);
    if (!nic.connected) set(name + ".startConnected", false);
    if (nic.wake_on_lan) set(name + ".wakeOnPcktRcv", true);
  }

  void mac(const Nic& nic, const std::string& name) {
    if (nic.mac.empty()) {
      set(name + ".addressType", "generated");
      return;
    }
    // VMware refuses an address outside the range of its class.
    const Nic::MacClass own = mac_class_of(nic.mac);
    if (own == Nic::MacClass::generated || own == Nic::MacClass::manager) {
      set(name + ".addressType", own == Nic::MacClass::generated ? "generated" : "vpx");
      set(name + ".generatedAddress", nic.mac);
      return;
    }
    set(name + ".addressType", "static");
    set(name + ".address", nic.mac);
    if (own != Nic::MacClass::fixed) set(name + ".checkMACAddress", false);
  }

  void network(std::size_t at, const Nic& nic, const std::string& name) {
    const NetworkReference& network = nic.network;
    if (const NetworkTarget* to = mapped_network(nic, request_.options.networks)) {
      set(name + ".networkName", vmware_network_name(*to));
      return;
    }
    set_if(name + ".networkName", network.name);
    const std::string& kind = network.kind;
    if (kind == "bridged" || kind == "nat" || kind == "hostonly" || kind == "custom")
      set(name + ".connectionType", kind);
    set_if(name + ".vnet", network.device);
    set_if(name + ".dvs.switchId", network.switch_id);
    if (!network.switch_id.empty() || kind == "dvs")
      set_if(name + ".dvs.portgroupId", network.portgroup);
    if (kind == "opaque") {
      set(name + ".opaqueNetwork.id", network.portgroup);
      set(name + ".opaqueNetwork.type", "nsx.LogicalSwitch");
    }
    if (!machine_.hardware_version)
      account_.tell(
          Aspect::nic_network, at,
          needs_action("make sure that VMware has a port group of this name, or map it (--map)",
                       "networks of KVM hosts are not VMware's"));
  }

  void ports(const std::vector<Port>& ports, std::string_view kind) {
    for (const Port& port : ports) {
      const std::string name = fmt::format("{}{}", kind, port.index);
      set(name + ".present", true);
      const bool known = port.kind == "file" || port.kind == "pipe" || port.kind == "network" ||
                         port.kind == "device" || port.kind == "thinprint";
      set(name + ".fileType", known ? port.kind : "device");
      set_if(name + ".fileName", known ? port.target : "auto detect");
    }
  }

  void other_devices() {
    if (machine_.usb.uhci) set("usb.present", true);
    if (machine_.usb.ehci) set("ehci.present", true);
    if (machine_.usb.xhci) set("usb_xhci.present", true);
    if (!machine_.sound.empty()) {
      set("sound.present", true);
      const bool known =
          machine_.sound == "sb16" || machine_.sound == "es1371" || machine_.sound == "hdaudio";
      set("sound.virtualDev", known ? machine_.sound : "hdaudio");
    }
    if (machine_.video.memory && machine_.hardware_version)
      set_number("svga.vramSize", *machine_.video.memory);
    if (machine_.video.displays) set_number("svga.numDisplays", *machine_.video.displays);
    if (machine_.video.accelerated) set("mks.enable3d", true);
  }

  /// What the model has no place for goes from VMX to VMX as it stands.
  void same_keys() {
    if (request_.definition.dialect != "vmx") return;
    constexpr Aspect kSame[] = {Aspect::unknown,  Aspect::tools,        Aspect::vmware_device,
                                Aspect::cpu_mask, Aspect::numa,         Aspect::clock_start,
                                Aspect::watchdog, Aspect::shared_folder};
    for (const SourceKey& key : machine_.keys)
      if (std::ranges::find(kSame, key.aspect) != std::end(kSame) &&
          !written_.contains(lower(key.key)))
        set(key.key, key.value);
    for (const Aspect aspect : kSame) account_.tell(aspect, kept("the same key"));
  }

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  std::vector<VmwareDrive> drives_;
  std::string text_;
  std::unordered_set<std::string> written_;  ///< keys, in lower case
};

}  // namespace

std::span<const AspectRule> vmx_account_rules() { return kRules; }

Result<Written> write_vmx(const WriteRequest& request) { return VmxWriter(request).write(); }

}  // namespace vmlift::vm
