// Writes a KubeVirt VirtualMachine. What its webhook refuses is avoided here: secure boot
// without SMM, boot orders twice, disks without a volume, two pod networks, models and buses
// that it does not know.
#include <fmt/format.h>

#include <algorithm>

#include "vm/encoding.hpp"
#include "vm/kubevirt/manifest_writer.hpp"
#include "vm/kubevirt/yaml.hpp"
#include "vm/kvm_actions.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {
namespace {

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

}  // namespace

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

Written ManifestWriter::write() {
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

void ManifestWriter::metadata() {
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
