// Writes an OVF 1.x descriptor as vSphere and ovftool take it. What OVF has no word for goes
// along as vmw:ExtraConfig, in VMX' own keys.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "vm/account.hpp"
#include "vm/guest_os.hpp"
#include "vm/nic_target.hpp"
#include "vm/ovf/ovf.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr const char* kVmdkFormat =
    "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

constexpr AspectRule kRules[] = {
    {Aspect::name, LossStatus::kept, "VirtualSystem/Name"},
    {Aspect::annotation, LossStatus::kept, "AnnotationSection"},
    {Aspect::smbios_uuid, LossStatus::kept, "ExtraConfig[uuid.bios]"},
    {Aspect::instance_uuid, LossStatus::kept, "ExtraConfig[vc.uuid]"},
    {Aspect::serial_number, LossStatus::kept, "ExtraConfig[serialNumber]"},
    {Aspect::generation_id, LossStatus::kept, "ExtraConfig[vm.genid]"},
    {Aspect::guest_os, LossStatus::mapped, "OperatingSystemSection"},
    {Aspect::hardware_version, LossStatus::kept, "VirtualSystemType"},
    {Aspect::firmware, LossStatus::kept, "Config[firmware]"},
    {Aspect::secure_boot, LossStatus::kept, "Config[bootOptions.efiSecureBootEnabled]"},
    {Aspect::nvram, LossStatus::dropped, "VMware makes a new variable store"},
    {Aspect::boot_order, LossStatus::mapped, "ExtraConfig[bios.hddOrder]"},
    {Aspect::clock_sync, LossStatus::kept, "Config[tools.syncTimeWithHost]"},
    {Aspect::property, LossStatus::kept, "ProductSection"},
    {Aspect::guestinfo, LossStatus::kept, "ExtraConfig[guestinfo]"},
    {Aspect::cpu_count, LossStatus::kept, "Item/VirtualQuantity"},
    {Aspect::cpu_topology, LossStatus::kept, "Item/CoresPerSocket"},
    {Aspect::cpu_hot_add, LossStatus::kept, "Config[cpuHotAddEnabled]"},
    {Aspect::cpu_nested, LossStatus::kept, "Config[nestedHVEnabled]"},
    {Aspect::cpu_vbs, LossStatus::kept, "Config[flags.vbsEnabled]"},
    {Aspect::cpu_iommu, LossStatus::kept, "Config[flags.vvtdEnabled]"},
    {Aspect::cpu_allocation, LossStatus::kept, "Item"},
    {Aspect::cpu_shares, LossStatus::kept, "Config[cpuAllocation.shares.level]"},
    {Aspect::memory_shares, LossStatus::kept, "Config[memoryAllocation.shares.level]"},
    {Aspect::clock, LossStatus::kept, "ExtraConfig[rtc.diffFromUTC]"},
    {Aspect::disk_uuid, LossStatus::kept, "ExtraConfig[disk.EnableUUID]"},
    {Aspect::disk_tracking, LossStatus::dropped,
     "change tracking is switched on at the target, machine by machine"},
    {Aspect::memory_size, LossStatus::kept, "Item/VirtualQuantity"},
    {Aspect::memory_hot_add, LossStatus::kept, "Config[memoryHotAddEnabled]"},
    {Aspect::memory_allocation, LossStatus::kept, "Item"},
    {Aspect::memory_pinned, LossStatus::kept, "Config[memoryReservationLockedToMax]"},
    {Aspect::controller, LossStatus::mapped, "Item"},
    {Aspect::controller_model, LossStatus::mapped, "Item/ResourceSubType"},
    {Aspect::controller_sharing, LossStatus::needs_action,
     "share the bus anew at the target: OVF has no word for it"},
    {Aspect::controller_slot, LossStatus::kept, "Config[slotInfo.pciSlotNumber]"},
    {Aspect::disk, LossStatus::mapped, "Item"},
    {Aspect::disk_source, LossStatus::mapped, "References/File"},
    {Aspect::disk_mode, LossStatus::kept, "Config[backing.diskMode]"},
    {Aspect::disk_capacity, LossStatus::kept, "DiskSection/Disk"},
    {Aspect::disk_sharing, LossStatus::needs_action,
     "share the disk anew at the target: OVF has no word for it"},
    {Aspect::disk_raw_mapping, LossStatus::needs_action,
     "map the LUN at the target, or use the copied disk"},
    {Aspect::disk_boot, LossStatus::mapped, "ExtraConfig[bios.hddOrder]"},
    {Aspect::medium, LossStatus::mapped, "Item"},
    {Aspect::medium_source, LossStatus::mapped, "References/File"},
    {Aspect::medium_connected, LossStatus::kept, "Item/AutomaticAllocation"},
    {Aspect::nic, LossStatus::mapped, "Item"},
    {Aspect::nic_mac, LossStatus::kept, "Item/Address"},
    {Aspect::nic_model, LossStatus::mapped, "Item/ResourceSubType"},
    {Aspect::nic_network, LossStatus::mapped, "Item/Connection"},
    {Aspect::nic_slot, LossStatus::kept, "Config[slotInfo.pciSlotNumber]"},
    {Aspect::nic_connected, LossStatus::kept, "Item/AutomaticAllocation"},
    {Aspect::nic_wake, LossStatus::kept, "Config[wakeOnLanEnabled]"},
    {Aspect::serial_port, LossStatus::mapped, "Item"},
    {Aspect::usb, LossStatus::mapped, "Item"},
    {Aspect::sound, LossStatus::mapped, "Item"},
    {Aspect::video, LossStatus::dropped, "the target's default video card is used"},
};

/// The fields of an item. The schema wants them in the order of their names; a map keeps it.
using Fields = std::map<std::string, std::string>;

class OvfWriter {
 public:
  explicit OvfWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(ovf_account_rules()),
        drives_(plan_vmware_drives(request.machine, request.decisions)) {}

  Written write() {
    envelope_ = add_element(
        document_, "Envelope",
        {{"xmlns", "http://schemas.dmtf.org/ovf/envelope/1"},
         {"xmlns:ovf", "http://schemas.dmtf.org/ovf/envelope/1"},
         {"xmlns:rasd",
          "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"},
         {"xmlns:vssd",
          "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"},
         {"xmlns:vmw", "http://www.vmware.com/schema/ovf"},
         {"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"}});
    references_ = add_element(envelope_, "References");
    disk_section();
    network_section();
    virtual_system();
    return {xml_text(document_), account_.entries(machine_)};
  }

 private:
  // The parts that all machines of an envelope share.

  void disk_section() {
    if (machine_.disks.empty()) return;
    const auto section = add_element(envelope_, "DiskSection");
    add_text(section, "Info", "Virtual disks");
    const std::vector<std::string> stems = disk_stems(machine_);
    for (std::size_t at = 0; at < machine_.disks.size(); ++at) {
      const Drive& disk = machine_.disks[at];
      const DiskTarget* target = named_target(disk, request_.options);
      const auto capacity =
          target != nullptr && target->capacity ? target->capacity : disk.capacity;
      if (!capacity) {
        account_.tell(
            Aspect::disk_source, at,
            needs_action(
                "state the disk's capacity in the DiskSection: the definition alone does not tell it",
                "its size is in the disk itself"));
      }
      auto node = add_element(section, "Disk",
                              {{"ovf:diskId", disk_id(at)},
                               {"ovf:capacity", std::to_string(capacity.value_or(0))},
                               {"ovf:capacityAllocationUnits", "byte"},
                               {"ovf:format", kVmdkFormat}});
      if (!disk.source && (target == nullptr || target->path.empty())) continue;  // blank
      std::string path =
          target != nullptr && !target->path.empty() ? target->path : stems[at] + ".vmdk";
      // An OVF refers to what lies beside it.
      if (path.starts_with('/')) path = file_name_of(path);
      node.append_attribute("ovf:fileRef") =
          add_file(path, target != nullptr ? target->stored_size : std::nullopt).c_str();
    }
  }

  static std::string disk_id(std::size_t at) { return fmt::format("vmdisk{}", at + 1); }

  std::string add_file(const std::string& path, std::optional<std::uint64_t> size) {
    const std::string id = fmt::format("file{}", ++files_);
    auto file =
        add_element(references_, "File", {{"ovf:id", id}, {"ovf:href", percent_encoded(path)}});
    if (size) file.append_attribute("ovf:size") = std::to_string(*size).c_str();
    return id;
  }

  std::string network_name(const Nic& nic) const {
    if (const NetworkTarget* target = mapped_network(nic, request_.options.networks))
      return vmware_network_name(*target);
    return nic.network.name.empty() ? "VM Network" : nic.network.name;
  }

  void network_section() {
    if (machine_.nics.empty()) return;
    const auto section = add_element(envelope_, "NetworkSection");
    add_text(section, "Info", "Logical networks");
    std::vector<std::string> names;
    for (const Nic& nic : machine_.nics) {
      const std::string name = network_name(nic);
      if (std::ranges::find(names, name) != names.end()) continue;
      names.push_back(name);
      add_text(add_element(section, "Network", {{"ovf:name", name}}), "Description",
               fmt::format("The {} network", name));
    }
  }

  // The machine.

  void virtual_system() {
    const Identity& identity = machine_.identity;
    system_ = add_element(envelope_, "VirtualSystem", {{"ovf:id", identity.name}});
    add_text(system_, "Info", "A virtual machine");
    add_text(system_, "Name", identity.name);
    const auto os = add_element(system_, "OperatingSystemSection",
                                {{"ovf:id", std::to_string(cim_os_id(machine_.guest_os))},
                                 {"vmw:osType", vsphere_id_from_vmx(decisions_["guest-os"])}});
    add_text(os, "Info", "The guest's operating system");
    if (!machine_.guest_os.description.empty())
      add_text(os, "Description", machine_.guest_os.description);
    hardware();
    if (!identity.annotation.empty()) {
      const auto section = add_element(system_, "AnnotationSection");
      add_text(section, "Info", "A note on the machine");
      add_text(section, "Annotation", identity.annotation);
    }
    properties();
  }

  void properties() {
    if (machine_.properties.empty()) return;
    const auto section = add_element(system_, "ProductSection");
    add_text(section, "Info", "Values for the guest");
    for (const Property& property : machine_.properties) {
      auto node = add_element(section, "Property",
                              {{"ovf:key", property.key},
                               {"ovf:type", property.type.empty() ? "string" : property.type},
                               {"ovf:value", property.value}});
      if (property.user_configurable) node.append_attribute("ovf:userConfigurable") = "true";
      if (!property.label.empty()) add_text(node, "Label", property.label);
    }
  }

  void hardware() {
    hardware_ = add_element(system_, "VirtualHardwareSection");
    add_text(hardware_, "Info", "Virtual hardware");
    const auto system = add_element(hardware_, "System");
    add_text(system, "vssd:ElementName", "Virtual Hardware Family");
    add_text(system, "vssd:InstanceID", "0");
    add_text(system, "vssd:VirtualSystemIdentifier", machine_.identity.name);
    add_text(system, "vssd:VirtualSystemType", "vmx-" + decisions_["hardware-version"]);
    processors_and_memory();
    controllers();
    disks();
    media();
    for (std::size_t at = 0; at < machine_.nics.size(); ++at) nic(at);
    other_devices();
    settings();
  }

  pugi::xml_node add_item(Fields fields) {
    const auto item = add_element(hardware_, "Item");
    fields["InstanceID"] = std::to_string(++instances_);
    for (const auto& [name, value] : fields) add_text(item, ("rasd:" + name).c_str(), value);
    return item;
  }

  static void add_setting(pugi::xml_node parent, const char* element, std::string_view key,
                          std::string_view value) {
    add_element(parent, element,
                {{"ovf:required", "false"}, {"vmw:key", key}, {"vmw:value", value}});
  }
  void config(std::string_view key, bool value) {
    add_setting(hardware_, "vmw:Config", key, value ? "true" : "false");
  }
  void extra(std::string_view key, std::string_view value) {
    add_setting(hardware_, "vmw:ExtraConfig", key, value);
  }

  static void allocate(Fields& fields, const Allocation& allocation, std::uint64_t unit) {
    if (allocation.reservation)
      fields["Reservation"] = std::to_string(*allocation.reservation / unit);
    if (allocation.limit) fields["Limit"] = std::to_string(*allocation.limit / unit);
    if (parse_unsigned(allocation.shares)) fields["Weight"] = allocation.shares;
  }

  void processors_and_memory() {
    const std::uint32_t count = machine_.cpu.count.value_or(1);
    Fields cpu{{"AllocationUnits", "hertz * 10^6"},
               {"Description", "Number of Virtual CPUs"},
               {"ElementName", fmt::format("{} virtual CPU(s)", count)},
               {"ResourceType", "3"},
               {"VirtualQuantity", std::to_string(count)}};
    allocate(cpu, machine_.cpu.allocation, 1);
    const auto item = add_item(cpu);
    if (machine_.cpu.cores_per_socket) {
      const std::uint64_t cores =
          std::uint64_t{*machine_.cpu.cores_per_socket} * machine_.cpu.threads_per_core.value_or(1);
      add_text(item, "vmw:CoresPerSocket", std::to_string(cores), {{"ovf:required", "false"}});
    }
    const std::uint64_t bytes = machine_.memory.size.value_or(kMiB * 1024);
    const std::uint64_t mebibytes = bytes / kMiB + (bytes % kMiB != 0);
    Fields memory{{"AllocationUnits", "byte * 2^20"},
                  {"Description", "Memory Size"},
                  {"ElementName", fmt::format("{}MB of memory", mebibytes)},
                  {"ResourceType", "4"},
                  {"VirtualQuantity", std::to_string(mebibytes)}};
    allocate(memory, machine_.memory.allocation, kMiB);
    add_item(memory);
  }

  void controllers() {
    struct Kind {
      Bus bus;
      const char* type;
      const char* label;
    };
    constexpr Kind kKinds[] = {{Bus::ide, "5", "IDE Controller"},
                               {Bus::scsi, "6", "SCSI Controller"},
                               {Bus::sata, "20", "SATA Controller"},
                               {Bus::nvme, "20", "NVMe Controller"}};
    for (const Controller& controller : vmware_controllers(machine_, drives_)) {
      const auto kind = std::ranges::find(kKinds, controller.bus, &Kind::bus);
      if (kind == std::end(kKinds)) continue;
      Fields fields{{"Address", std::to_string(controller.index)},
                    {"Description", kind->label},
                    {"ElementName", fmt::format("{} {}", kind->label, controller.index)},
                    {"ResourceType", kind->type}};
      if (const std::string subtype = controller_subtype(controller); !subtype.empty())
        fields["ResourceSubType"] = subtype;
      const auto item = add_item(fields);
      parents_[{controller.bus, controller.index}] = instances_;
      if (controller.pci_slot)
        add_setting(item, "vmw:Config", "slotInfo.pciSlotNumber",
                    std::to_string(*controller.pci_slot));
    }
  }

  static std::string controller_subtype(const Controller& controller) {
    if (controller.bus == Bus::sata) return "vmware.sata.ahci";
    if (controller.bus == Bus::nvme) return "vmware.nvme.controller";
    if (controller.model == "pvscsi") return "VirtualSCSI";
    if (controller.model == "lsisas1068") return "lsilogicsas";
    return controller.model;
  }

  void disks() {
    for (std::size_t at = 0; at < machine_.disks.size(); ++at) {
      const Drive& disk = machine_.disks[at];
      const Address& address = drives_[at].address;
      const auto item =
          add_item({{"AddressOnParent", std::to_string(address.unit)},
                    {"ElementName", fmt::format("Hard Disk {}", at + 1)},
                    {"HostResource", "ovf:/disk/" + disk_id(at)},
                    {"Parent", std::to_string(parents_[{address.bus, address.controller}])},
                    {"ResourceType", "17"}});
      if (!equal_ignoring_case(disk.mode, "persistent"))
        add_setting(item, "vmw:Config", "backing.diskMode", disk.mode);
    }
  }

  void media() {
    for (std::size_t at = 0; at < machine_.media.size(); ++at) {
      const Medium& medium = machine_.media[at];
      const bool floppy = medium.kind == Medium::Kind::floppy;
      if (floppy) {
        account_.tell(Aspect::medium, at, dropped("an empty floppy drive is of no use"));
        account_.tell(Aspect::medium_source, at, dropped("the image was not carried over"));
        account_.tell(Aspect::medium_connected, at, dropped("an empty floppy drive is of no use"));
        continue;
      }
      const Address& address = drives_[machine_.disks.size() + at].address;
      Fields fields{{"AddressOnParent", std::to_string(address.unit)},
                    {"AutomaticAllocation", medium.connected ? "true" : "false"},
                    {"ElementName", fmt::format("CD/DVD Drive {}", at + 1)},
                    {"Parent", std::to_string(parents_[{address.bus, address.controller}])},
                    {"ResourceSubType", "vmware.cdrom.remotepassthrough"},
                    {"ResourceType", "15"}};
      const DiskTarget* image = nullptr;
      if (medium.source)
        if (const auto found = request_.options.disks.find(*medium.source);
            found != request_.options.disks.end())
          image = &found->second;
      if (image != nullptr) {
        fields["HostResource"] = "ovf:/file/" + add_file(image->path, image->stored_size);
        fields["ResourceSubType"] = "vmware.cdrom.iso";
      } else if (medium.source) {
        account_.tell(Aspect::medium_source, at, dropped("the image is not part of the package"));
      }
      add_item(fields);
    }
  }

  void nic(std::size_t at) {
    const Nic& nic = machine_.nics[at];
    if (nic.network.name.empty() && mapped_network(nic, request_.options.networks) == nullptr)
      account_.tell(Aspect::nic_network, at,
                    needs_action(fmt::format("connect the NIC to what stands for {} at the target",
                                             network_description(nic)),
                                 "OVF knows networks by their names only"));
    const std::string model = vmware_nic_model(nic, decisions_);
    Fields fields{{"AutomaticAllocation", nic.connected ? "true" : "false"},
                  {"Connection", network_name(nic)},
                  {"ElementName", fmt::format("Network adapter {}", nic.index + 1)},
                  {"ResourceType", "10"}};
    if (!nic.mac.empty()) fields["Address"] = nic.mac;
    constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
        {"vmxnet3", "VmxNet3"}, {"vmxnet2", "Vmxnet2"}, {"vmxnet", "Vmxnet"},
        {"e1000", "E1000"},     {"e1000e", "E1000e"},   {"vlance", "PCNet32"}};
    const auto spelling = std::ranges::find(kSpellings, std::string_view(model),
                                            [](const auto& row) { return row.first; });
    if (spelling != std::end(kSpellings))
      fields["ResourceSubType"] = spelling->second;
    else if (!model.empty())
      fields["ResourceSubType"] = model;
    const auto item = add_item(fields);
    if (nic.pci_slot)
      add_setting(item, "vmw:Config", "slotInfo.pciSlotNumber", std::to_string(*nic.pci_slot));
    if (nic.wake_on_lan) add_setting(item, "vmw:Config", "wakeOnLanEnabled", "true");
  }

  void other_devices() {
    const auto usb = [&](const char* subtype) {
      add_item({{"ElementName", "USB Controller"},
                {"ResourceSubType", subtype},
                {"ResourceType", "23"}});
    };
    if (machine_.usb.ehci || machine_.usb.uhci) usb("vmware.usb.ehci");
    if (machine_.usb.xhci) usb("vmware.usb.xhci");
    for (const Port& port : machine_.serials)
      add_item({{"ElementName", fmt::format("Serial Port {}", port.index + 1)},
                {"ResourceSubType", "vmware.serialport.device"},
                {"ResourceType", "21"}});
    if (!machine_.sound.empty())
      add_item({{"ElementName", "Sound Card"},
                {"ResourceSubType", "vmware.soundcard.hdaudio"},
                {"ResourceType", "1"}});
    if (!machine_.tpm) return;
    add_item({{"ElementName", "Virtual TPM"},
              {"ResourceSubType", "vmware.vtpm"},
              {"ResourceType", "1"}});
    account_.tell(Aspect::tpm, needs_action("have the recovery keys of BitLocker or LUKS at hand",
                                            "a TPM's secrets cannot be moved"));
  }

  void clock() {
    const Clock& clock = machine_.clock;
    if (clock.offset || clock.base == Clock::Base::utc)
      extra("rtc.diffFromUTC", std::to_string(clock.offset.value_or(0)));
    else if (clock.base == Clock::Base::local_time)
      account_.tell(Aspect::clock,
                    dropped("the guest's own local time is VMware's default for it"));
  }

  void settings() {
    const bool efi = decisions_.is("firmware", "efi");
    add_setting(hardware_, "vmw:Config", "firmware", efi ? "efi" : "bios");
    if (efi)
      config("bootOptions.efiSecureBootEnabled", machine_.firmware.secure_boot.value_or(false));
    if (machine_.cpu.hot_add) config("cpuHotAddEnabled", true);
    if (machine_.cpu.hot_remove) config("cpuHotRemoveEnabled", true);
    if (machine_.memory.hot_add) config("memoryHotAddEnabled", true);
    if (machine_.memory.pinned) config("memoryReservationLockedToMax", true);
    if (machine_.cpu.nested) config("nestedHVEnabled", true);
    if (machine_.cpu.vbs) config("flags.vbsEnabled", true);
    if (machine_.cpu.iommu) config("flags.vvtdEnabled", true);
    config("tools.syncTimeWithHost", machine_.clock.sync_with_host);
    const Identity& identity = machine_.identity;
    if (identity.smbios_uuid) extra("uuid.bios", vmware_bios_uuid(machine_, decisions_).text());
    if (identity.instance_uuid) extra("vc.uuid", identity.instance_uuid->text());
    if (!identity.serial.empty()) extra("serialNumber", identity.serial);
    if (identity.generation) {
      extra("vm.genid", std::to_string(static_cast<std::int64_t>(identity.generation->low)));
      extra("vm.genidX", std::to_string(static_cast<std::int64_t>(identity.generation->high)));
    }
    const auto shares = [&](const char* key, const std::string& level) {
      if (!level.empty() && !parse_unsigned(level))
        add_setting(hardware_, "vmw:Config", key, level);
    };
    shares("cpuAllocation.shares.level", machine_.cpu.allocation.shares);
    shares("memoryAllocation.shares.level", machine_.memory.allocation.shares);
    clock();
    if (machine_.disks_show_uuids) extra("disk.EnableUUID", "TRUE");
    std::string order;
    for (const std::size_t index : boot_sequence(machine_))
      if (machine_.disks[index].boot_order)
        order += (order.empty() ? "" : ",") + drives_[index].address.text();
    if (!order.empty()) extra("bios.hddOrder", order);
    for (const Property& value : machine_.guestinfo) extra("guestinfo." + value.key, value.value);
  }

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  std::vector<VmwareDrive> drives_;
  pugi::xml_document document_;
  pugi::xml_node envelope_;
  pugi::xml_node references_;
  pugi::xml_node system_;
  pugi::xml_node hardware_;
  std::map<std::pair<Bus, std::uint32_t>, std::uint32_t> parents_;  ///< controllers' InstanceIDs
  std::uint32_t instances_ = 0;
  std::uint32_t files_ = 0;
};

}  // namespace

std::span<const AspectRule> ovf_account_rules() { return kRules; }

Result<Written> write_ovf(const WriteRequest& request) { return OvfWriter(request).write(); }

}  // namespace vmlift::vm
