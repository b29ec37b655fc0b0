// Writes a KubeVirt VirtualMachine. What its webhook refuses is avoided here: secure boot
// without SMM, boot orders twice, disks without a volume, two pod networks, models and buses
// that it does not know.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "vm/encoding.hpp"
#include "vm/kubevirt/kubevirt.hpp"
#include "vm/kubevirt/yaml.hpp"
#include "vm/kvm_actions.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/nic_target.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::size_t kLongestName = 63;

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "metadata/name"},
    {Aspect::annotation, LossStatus::kept, "metadata/annotations"},
    {Aspect::smbios_uuid, LossStatus::mapped, "firmware/uuid"},
    {Aspect::serial_number, LossStatus::kept, "firmware/serial"},
    {Aspect::instance_uuid, LossStatus::mapped, "metadata/annotations"},
    {Aspect::generation_id, LossStatus::mapped, "metadata/annotations"},
    {Aspect::guest_os, LossStatus::mapped, "metadata/annotations"},
    {Aspect::firmware, LossStatus::kept, "firmware/bootloader"},
    {Aspect::secure_boot, LossStatus::kept, "firmware/bootloader/efi/secureBoot"},
    {Aspect::boot_order, LossStatus::mapped, "devices/disks/bootOrder"},
    {Aspect::clock, LossStatus::mapped, "clock"},
    {Aspect::watchdog, LossStatus::mapped, "devices/watchdog"},
    {Aspect::cpu_count, LossStatus::kept, "cpu"},
    {Aspect::cpu_topology, LossStatus::mapped, "cpu"},
    {Aspect::cpu_nested, LossStatus::mapped, "cpu/model"},
    {Aspect::memory_size, LossStatus::kept, "memory/guest"},
    {Aspect::controller, LossStatus::dropped, "KubeVirt makes its controllers itself"},
    {Aspect::controller_model, LossStatus::dropped, "KubeVirt makes its controllers itself"},
    {Aspect::disk, LossStatus::mapped, "devices/disks"},
    {Aspect::disk_source, LossStatus::mapped, "volumes"},
    {Aspect::disk_mode, LossStatus::dropped, "KubeVirt's snapshots take every volume along"},
    {Aspect::disk_capacity, LossStatus::kept, "dataVolumeTemplates"},
    {Aspect::disk_serial, LossStatus::kept, "devices/disks/serial"},
    {Aspect::disk_raw_mapping, LossStatus::mapped, "volumes"},
    {Aspect::disk_boot, LossStatus::mapped, "devices/disks/bootOrder"},
    {Aspect::medium, LossStatus::dropped, "a drive without a volume is refused by KubeVirt"},
    {Aspect::medium_source, LossStatus::dropped, "a drive without a volume is refused by KubeVirt"},
    {Aspect::medium_connected, LossStatus::dropped,
     "a drive without a volume is refused by KubeVirt"},
    {Aspect::nic, LossStatus::mapped, "devices/interfaces"},
    {Aspect::nic_mac, LossStatus::kept, "devices/interfaces/macAddress"},
    {Aspect::nic_model, LossStatus::mapped, "devices/interfaces/model"},
    {Aspect::nic_network, LossStatus::mapped, "networks"},
    {Aspect::nic_connected, LossStatus::mapped, "devices/interfaces/state"},
    {Aspect::serial_port, LossStatus::mapped, "devices/autoattachSerialConsole"},
    {Aspect::usb, LossStatus::mapped, "devices/inputs"},
    {Aspect::video, LossStatus::dropped, "KubeVirt gives every machine a video card of its own"},
};

Choice volumes(const Situation& s) {
  const bool sized = std::ranges::all_of(s.machine.disks, [&](const Drive& disk) {
    const DiskTarget* target = named_target(disk, s.options);
    return disk.capacity || (target != nullptr && target->capacity);
  });
  return sized && !s.machine.disks.empty()
             ? Choice{"datavolume", "every disk's size is known"}
             : Choice{"pvc", "sizes are not known here: the claims are made by others"};
}
Choice timezone(const Situation& s) {
  return {"utc", s.family == GuestFamily::windows
                     ? "KubeVirt has no local time; the guest's zone is not known"
                     : "guests other than Windows keep their clock in UTC"};
}
Choice static_addresses(const Situation&) {
  return {"none", "addresses are not part of a definition"};
}
Choice storage_class(const Situation&) { return {"default", "the cluster's default"}; }
Choice q35(const Situation&) { return {"q35", "what KubeVirt offers"}; }

constexpr DecisionRule kOwnDecisions[] = {
    {"machine", "q35|MACHINE", "the emulated board", q35},
    {"volumes", "pvc|datavolume", "whether claims exist, or DataVolumes wait for an upload",
     volumes},
    {"storage-class", "default|CLASS", "of the DataVolumes", storage_class},
    {"timezone", "utc|ZONE", "the zone of the hardware clock: \"Europe/Berlin\"", timezone},
    {"static-addresses", "none|ADDRESSES", "IP addresses for Calico, separated by commas",
     static_addresses},
};

/// A DNS label: what names in Kubernetes are.
std::string label(std::string_view text) {
  std::string name;
  for (const char c : lower(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  if (name.size() > kLongestName) name.resize(kLongestName);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "machine" : name;
}

class ManifestWriter {
 public:
  explicit ManifestWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(kubevirt_account_rules()),
        drives_(plan_drives(request.machine, request.options, request.decisions)) {}

  Written write() {
    metadata();
    domain_ = Json::object();
    cpu_and_memory();
    firmware();
    features();
    clock();
    devices();
    tell_kvm_actions(machine_, account_);
    tell_kept_changes(machine_, account_);
    tell_disk_serials(machine_, account_, "devices/disks/serial");
    Json spec = {{"runStrategy", "Halted"}};
    if (!templates_.empty()) spec["dataVolumeTemplates"] = templates_;
    Json instance = {{"domain", domain_}};
    if (!networks_.empty()) instance["networks"] = networks_;
    if (!volumes_.empty()) instance["volumes"] = volumes_;
    instance["terminationGracePeriodSeconds"] = 180;
    Json pod = {{"labels", {{"kubevirt.io/vm", name_}}}};
    if (!pod_annotations_.empty()) pod["annotations"] = pod_annotations_;
    spec["template"] = {{"metadata", pod}, {"spec", instance}};
    const Json manifest = {{"apiVersion", "kubevirt.io/v1"},
                           {"kind", "VirtualMachine"},
                           {"metadata", {{"name", name_}, {"annotations", annotations_}}},
                           {"spec", spec}};
    return {to_yaml(manifest), account_.entries(machine_)};
  }

 private:
  bool is_efi() const { return decisions_.is("firmware", "efi"); }
  bool secure() const { return is_efi() && decisions_.is("secure-boot", "yes"); }

  void metadata() {
    const Identity& identity = machine_.identity;
    name_ = label(identity.name);
    annotations_ = {{"vmlift/source-name", printable_utf8(identity.name)},
                    {"vmlift/source-dialect", request_.definition.dialect}};
    if (name_ != identity.name)
      account_.tell(Aspect::name,
                    mapped("metadata/name", "names are DNS labels; the original is an annotation"));
    const auto annotate = [&](const char* key, const std::string& value) {
      if (!value.empty()) annotations_[key] = printable_utf8(value);
    };
    annotate("description", identity.annotation);
    annotate("vmlift/guest-os", machine_.guest_os.source_id);
    if (identity.instance_uuid) annotate("vmlift/instance-uuid", identity.instance_uuid->text());
    if (identity.generation) annotate("vmlift/generation-id", identity.generation->guid().text());
    for (const Nic& nic : machine_.nics)
      if (!nic.guest_name.empty())
        annotate(fmt::format("vmlift/nic-{}", nic.index).c_str(), nic.guest_name);
  }

  void cpu_and_memory() {
    const Topology topology = kvm_topology(machine_, decisions_);
    domain_["cpu"] = {
        {"sockets", topology.sockets}, {"cores", topology.cores}, {"threads", topology.threads}};
    const bool more = decisions_.is("hot-add", "yes");
    if (more && machine_.cpu.hot_add) {
      domain_["cpu"]["maxSockets"] = topology.sockets * 2;
      account_.tell(Aspect::cpu_hot_add, mapped("cpu/maxSockets"));
    }
    const std::string& model = decisions_["cpu"];
    if (model != "default" && model != "maximum") domain_["cpu"]["model"] = model;
    if (!decisions_.is("topology", "source"))
      account_.tell(Aspect::cpu_topology, mapped("cpu", decisions_.reason("topology")));
    const std::uint64_t bytes = machine_.memory.size.value_or(kMiB * 1024);
    const std::uint64_t mebibytes = bytes / kMiB + (bytes % kMiB != 0);
    domain_["memory"] = {{"guest", fmt::format("{}Mi", mebibytes)}};
    if (more && machine_.memory.hot_add) {
      domain_["memory"]["maxGuest"] = fmt::format("{}Mi", mebibytes * 2);
      account_.tell(Aspect::memory_hot_add, mapped("memory/maxGuest"));
    }
    domain_["machine"] = {{"type", decisions_["machine"]}};
  }

  void firmware() {
    Json firmware = Json::object();
    const Identity& identity = machine_.identity;
    if (identity.smbios_uuid) {
      const bool management = decisions_.is("uuid", "management");
      firmware["uuid"] =
          (management ? identity.smbios_uuid->stored : identity.smbios_uuid->guest_visible())
              .text();
    }
    if (!identity.serial.empty()) firmware["serial"] = printable_utf8(identity.serial);
    // secureBoot is true where it is left out.
    if (is_efi())
      firmware["bootloader"]["efi"] = {{"secureBoot", secure()}, {"persistent", true}};
    else
      firmware["bootloader"]["bios"] = Json::object();
    domain_["firmware"] = firmware;
    if (!machine_.firmware.nvram.empty() && is_efi()) {
      account_.tell(
          Aspect::nvram,
          needs_action(
              "make sure the guest boots by \\EFI\\BOOT\\BOOTX64.EFI, or add its boot entry anew",
              "VMware's NVRAM cannot be converted"));
    }
  }

  void features() {
    Json features = {{"acpi", Json::object()}};
    if (secure()) features["smm"] = {{"enabled", true}};
    if (!decisions_.is("hyperv", "none")) {
      Json& hyperv = features["hyperv"];
      hyperv = {{"relaxed", Json::object()},
                {"vapic", Json::object()},
                {"spinlocks", {{"spinlocks", 8191}}}};
      if (decisions_.is("hyperv", "full"))
        for (const char* name : {"vpindex", "runtime", "synic", "reset", "frequencies",
                                 "reenlightenment", "tlbflush", "ipi"})
          hyperv[name] = Json::object();
    }
    domain_["features"] = features;
  }

  void clock() {
    Json clock = Json::object();
    const std::string& zone = decisions_["timezone"];
    if (zone != "utc")
      clock["timezone"] = zone;
    else
      clock["utc"] = machine_.clock.offset.value_or(0) == 0
                         ? Json::object()
                         : Json{{"offsetSeconds", *machine_.clock.offset}};
    clock["timer"] = {{"rtc", {{"tickPolicy", "catchup"}}},
                      {"pit", {{"tickPolicy", "delay"}}},
                      {"hpet", {{"present", false}}}};
    if (!decisions_.is("hyperv", "none")) clock["timer"]["hyperv"] = Json::object();
    domain_["clock"] = clock;
    if (decisions_.is("clock", "localtime") && zone == "utc") {
      account_.tell(
          Aspect::clock,
          needs_action(
              "set the guest's zone (--set timezone=Europe/Berlin), or RealTimeIsUniversal in Windows",
              "the clock runs in local time, which KubeVirt does not have"));
    }
  }

  void devices() {
    devices_ = Json::object();
    for (const TargetDrive& drive : drives_.disks) disk(drive);
    for (std::size_t index = 0; index < machine_.nics.size(); ++index) nic(index);
    devices_["disks"] = disks_;
    devices_["interfaces"] = interfaces_;
    if (machine_.nics.empty()) devices_["autoattachPodInterface"] = false;
    devices_["inputs"] = Json::array({{{"name", "tablet"}, {"type", "tablet"}, {"bus", "usb"}}});
    if (decisions_.is("guest-devices", "yes"))
      devices_["rng"] = Json::object();
    else
      devices_["autoattachMemBalloon"] = false;
    if (machine_.watchdog)
      devices_["watchdog"] = {{"name", "watchdog"}, {"i6300esb", {{"action", "reset"}}}};
    if (!machine_.serials.empty()) devices_["autoattachSerialConsole"] = true;
    const std::string& sound = decisions_["sound"];
    if (sound == "ich9" || sound == "ac97") {
      devices_["sound"] = {{"name", "sound"}, {"model", sound}};
      account_.tell(Aspect::sound, mapped("devices/sound"));
    }
    tpm();
    domain_["devices"] = devices_;
  }

  void tpm() {
    if (decisions_.is("tpm", "yes")) devices_["tpm"] = {{"persistent", true}};
    if (!machine_.tpm) return;
    account_.tell(
        Aspect::tpm,
        needs_action(
            "have the recovery keys of BitLocker, LUKS or whatever was sealed to the TPM at hand before the first boot",
            decisions_.is("tpm", "yes") ? "the target has a TPM, but a new and empty one"
                                        : decisions_.reason("tpm")));
  }

  /// KubeVirt's "scsi" is virtio-scsi, whatever the source had.
  static std::string bus_of(const TargetDrive& drive) {
    const bool taken = drive.bus == "virtio" || drive.bus == "usb" ||
                       (drive.bus == "scsi" && drive.scsi_model == "virtio-scsi");
    return taken ? drive.bus : "sata";
  }

  void disk(const TargetDrive& drive) {
    const Drive& source = machine_.disks[drive.index];
    const DiskTarget* target = named_target(source, request_.options);
    const std::string volume = fmt::format("disk-{}", disks_.size());
    std::string claim = target != nullptr && !target->path.empty()
                            ? target->path
                            : label(fmt::format("{}-{}", name_.substr(0, 40), volume));
    claim = label(stem_of(claim));
    Json disk = {
        {"name", volume}, {"bootOrder", drive.boot_order}, {"disk", {{"bus", bus_of(drive)}}}};
    if (source.read_only) disk["disk"]["readonly"] = true;
    if (!source.serial.empty()) disk["serial"] = serial(source.serial);
    if (source.shared) {
      disk["shareable"] = true;
      disk["cache"] = "none";
      account_.tell(
          Aspect::disk_sharing, drive.index,
          needs_action("put the disk on a claim of ReadWriteMany", "several machines write to it"));
    } else if (const std::string& cache = decisions_["disk-cache"];
               cache == "none" || cache == "writethrough" || cache == "writeback") {
      disk["cache"] = cache;
    }
    disks_.push_back(disk);
    const auto capacity =
        target != nullptr && target->capacity ? target->capacity : source.capacity;
    if (decisions_.is("volumes", "datavolume") && capacity) {
      Json storage = {
          {"resources",
           {{"requests",
             {{"storage", fmt::format("{}Mi", *capacity / kMiB + (*capacity % kMiB != 0))}}}}}};
      if (!decisions_.is("storage-class", "default"))
        storage["storageClassName"] = decisions_["storage-class"];
      const Json from =
          source.source ? Json{{"upload", Json::object()}} : Json{{"blank", Json::object()}};
      templates_.push_back(
          {{"metadata", {{"name", claim}}}, {"spec", {{"source", from}, {"storage", storage}}}});
      volumes_.push_back({{"name", volume}, {"dataVolume", {{"name", claim}}}});
    } else {
      volumes_.push_back({{"name", volume}, {"persistentVolumeClaim", {{"claimName", claim}}}});
    }
    account_.tell(
        Aspect::disk_source, drive.index,
        mapped(fmt::format("volumes[{}]", volume), fmt::format("is the claim {} now", claim)));
    account_.tell(Aspect::disk, drive.index, mapped(fmt::format("devices/disks[{}]", volume)));
  }

  /// What the webhook takes as a serial number.
  static std::string serial(const std::string& text) {
    std::string kept_characters;
    for (const char c : text)
      if (std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")
              .find(c) != std::string_view::npos)
        kept_characters += c;
    return kept_characters.substr(0, 256);
  }

  void nic(std::size_t index) {
    const Nic& nic = machine_.nics[index];
    const std::string name = fmt::format("net-{}", index);
    const NetworkTarget* target = mapped_network(nic, request_.options.networks);
    const bool is_mapped = target != nullptr && !target->multus.empty();
    Json interface = {{"name", name}};
    if (is_mapped) {
      interface["bridge"] = Json::object();
      networks_.push_back({{"name", name}, {"multus", {{"networkName", target->multus}}}});
    } else if (!pod_network_) {
      pod_network_ = true;
      interface["masquerade"] = Json::object();
      networks_.push_back({{"name", name}, {"pod", Json::object()}});
      static_addresses(nic);
    } else {
      // There is one pod network; others need an attachment, which has to be made first.
      interface["bridge"] = Json::object();
      networks_.push_back(
          {{"name", name},
           {"multus",
            {{"networkName", label(nic.network.name.empty() ? name : nic.network.name)}}}});
    }
    if (!nic.mac.empty() && !is_multicast(nic.mac)) interface["macAddress"] = nic.mac;
    const std::string model = model_of(nic);
    interface["model"] = model;
    if (!is_mapped || !nic.connected) interface["state"] = "down";
    if (nic.pci_slot && decisions_.is("acpi-index", "yes")) {
      interface["acpiIndex"] = *nic.pci_slot;
      account_.tell(Aspect::nic_slot, index,
                    mapped(fmt::format("devices/interfaces[{}]/acpiIndex", name)));
    } else if (!nic.guest_name.empty()) {
      account_.tell(Aspect::nic_slot, index,
                    mapped(fmt::format("metadata/annotations/vmlift/nic-{}", nic.index),
                           fmt::format("the guest named the NIC {}; the new name follows from the "
                                       "new slot",
                                       nic.guest_name)));
    }
    interfaces_.push_back(interface);
    account_.tell(Aspect::nic, index, mapped(fmt::format("devices/interfaces[{}]", name)));
    account_.tell(
        Aspect::nic_model, index,
        mapped(fmt::format("devices/interfaces[{}]/model", name), fmt::format("is {} now", model)));
    if (nic.mac.empty())
      account_.tell(
          Aspect::nic_mac, index,
          needs_action("give the NIC the MAC that the guest knows", "the source states no MAC"));
    if (is_multicast(nic.mac))
      account_.tell(Aspect::nic_mac, index,
                    needs_action("choose a unicast MAC", "no NIC can have a multicast MAC"));
    if (is_mapped) return;
    account_.tell(
        Aspect::nic_network, index,
        needs_action(
            fmt::format(
                "map {} to a NetworkAttachmentDefinition (--map, multus), then set the state up",
                network_description(nic)),
            target != nullptr ? "the map names no multus network; the interface is down"
                              : "the network is not mapped; the interface is down"));
  }

  std::string model_of(const Nic& nic) const {
    const std::string model = target_nic_model(nic, decisions_).name;
    constexpr std::string_view kModels[] = {"e1000", "e1000e", "igb", "pcnet", "rtl8139", "virtio"};
    return std::ranges::find(kModels, model) != std::end(kModels) ? model : "e1000e";
  }

  /// Calico keeps a machine's addresses when its pod asks for them.
  void static_addresses(const Nic& nic) {
    const std::string& addresses = decisions_["static-addresses"];
    if (addresses == "none") return;
    Json list = Json::array();
    for (std::size_t at = 0; at <= addresses.size();) {
      const auto comma = std::min(addresses.find(',', at), addresses.size());
      list.push_back(std::string(trim(std::string_view(addresses).substr(at, comma - at))));
      at = comma + 1;
    }
    pod_annotations_["cni.projectcalico.org/ipAddrs"] = list.dump();
    if (!nic.mac.empty()) pod_annotations_["cni.projectcalico.org/hwAddr"] = nic.mac;
  }

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  TargetDrives drives_;
  std::string name_;
  Json annotations_ = Json::object();
  Json pod_annotations_ = Json::object();
  Json domain_;
  Json devices_;
  Json disks_ = Json::array();
  Json interfaces_ = Json::array();
  Json networks_ = Json::array();
  Json volumes_ = Json::array();
  Json templates_ = Json::array();
  bool pod_network_ = false;
};

}  // namespace

std::vector<DecisionRule> kubevirt_decisions() {
  std::vector<DecisionRule> rules = kvm_decisions();
  for (const DecisionRule& own : kOwnDecisions) {
    const auto same = std::ranges::find(rules, own.name, &DecisionRule::name);
    if (same != rules.end())
      *same = own;
    else
      rules.push_back(own);
  }
  return rules;
}

std::span<const AspectRule> kubevirt_account_rules() { return kRules; }

Result<Written> write_kubevirt(const WriteRequest& request) {
  return ManifestWriter(request).write();
}

}  // namespace vmlift::vm
