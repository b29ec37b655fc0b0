// Writes an OVF 1.x descriptor as vSphere and ovftool take it. What OVF has no word for goes
// along as vmw:ExtraConfig, in VMX' own keys.
#include "vm/guest_os.hpp"
#include "vm/ovf/envelope_writer.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

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

}  // namespace

Written OvfWriter::write() {
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

void OvfWriter::virtual_system() {
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

void OvfWriter::properties() {
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

void OvfWriter::hardware() {
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

pugi::xml_node OvfWriter::add_item(Fields fields) {
  const auto item = add_element(hardware_, "Item");
  fields["InstanceID"] = std::to_string(++instances_);
  for (const auto& [name, value] : fields) add_text(item, ("rasd:" + name).c_str(), value);
  return item;
}

void OvfWriter::add_setting(pugi::xml_node parent, const char* element, std::string_view key,
                            std::string_view value) {
  add_element(parent, element, {{"ovf:required", "false"}, {"vmw:key", key}, {"vmw:value", value}});
}

void OvfWriter::config(std::string_view key, bool value) {
  add_setting(hardware_, "vmw:Config", key, value ? "true" : "false");
}

void OvfWriter::extra(std::string_view key, std::string_view value) {
  add_setting(hardware_, "vmw:ExtraConfig", key, value);
}

std::span<const AspectRule> ovf_account_rules() { return kRules; }

Result<Written> write_ovf(const WriteRequest& request) { return OvfWriter(request).write(); }

}  // namespace vmlift::vm
