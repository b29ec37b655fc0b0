// The JSON documents that scripts read: inspect, loss report, concerns. Their shapes are a
// contract; fields may be added, never renamed.
#include <nlohmann/json.hpp>

#include "vmlift/vm.hpp"

namespace vmlift::vm {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
Json uuid_or_null(const std::optional<Uuid>& uuid) {
  return uuid ? Json(uuid->text()) : Json(nullptr);
}

Json warning_json(const Warning& warning) {
  return {{"key", warning.key},
          {"line", warning.line == 0 ? Json(nullptr) : Json(warning.line)},
          {"message", warning.message}};
}

template <class List, class Function>
Json array_of(const List& list, Function&& convert) {
  Json array = Json::array();
  for (const auto& item : list) array.push_back(convert(item));
  return array;
}

Json allocation_json(const Allocation& allocation) {
  if (allocation == Allocation{}) return nullptr;
  return {{"reservation", or_null(allocation.reservation)},
          {"limit", or_null(allocation.limit)},
          {"shares", text_or_null(allocation.shares)}};
}

Json firmware_json(const Firmware& firmware) {
  const auto type = [&]() -> Json {
    if (!firmware.type) return nullptr;
    return *firmware.type == Firmware::Type::efi ? "efi" : "bios";
  }();
  // A source that could say and does not has it off.
  const bool secure = firmware.secure_boot.value_or(false);
  return {{"type", type},
          {"secure_boot", firmware.type || firmware.secure_boot ? Json(secure) : Json(nullptr)},
          {"nvram", text_or_null(firmware.nvram)}};
}

Json controller_json(const Controller& controller) {
  return {{"bus", bus_name(controller.bus)},
          {"index", controller.index},
          {"model", text_or_null(controller.model)},
          {"sharing", text_or_null(controller.sharing)},
          {"pci_slot", or_null(controller.pci_slot)}};
}

std::string_view backing_name(Drive::Backing backing) {
  switch (backing) {
    case Drive::Backing::file:
      return "file";
    case Drive::Backing::block:
      return "block";
    case Drive::Backing::network:
      return "network";
    case Drive::Backing::raw_mapping:
      return "raw-mapping";
  }
  return "file";
}

Json drive_json(const Drive& drive) {
  return {{"bus", bus_name(drive.address.bus)},
          {"controller", drive.address.controller},
          {"unit", drive.address.unit},
          {"source", or_null(drive.source)},
          {"mode", drive.mode},
          {"capacity", or_null(drive.capacity)},
          {"id", text_or_null(drive.id)},
          {"format", text_or_null(drive.format)},
          {"backing", backing_name(drive.backing)},
          {"serial", text_or_null(drive.serial)},
          {"shared", drive.shared},
          {"read_only", drive.read_only},
          {"change_tracking", drive.change_tracking},
          {"boot_order", or_null(drive.boot_order)},
          {"io", allocation_json(drive.io)}};
}

Json medium_json(const Medium& medium) {
  constexpr std::string_view kBackings[] = {"empty", "image", "host-device", "client"};
  return {{"kind", medium.kind == Medium::Kind::cdrom ? "cdrom" : "floppy"},
          {"bus", bus_name(medium.address.bus)},
          {"controller", medium.address.controller},
          {"unit", medium.address.unit},
          {"source", or_null(medium.source)},
          {"backing", kBackings[static_cast<std::size_t>(medium.backing)]},
          {"connected", medium.connected}};
}

Json nic_json(const Nic& nic) {
  constexpr std::string_view kClasses[] = {"unknown", "generated", "static", "manager"};
  const NetworkReference& network = nic.network;
  return {{"index", nic.index},
          {"mac", text_or_null(nic.mac)},
          {"model", text_or_null(nic.model)},
          {"network", text_or_null(network.name)},
          {"mac_class", kClasses[static_cast<std::size_t>(nic.mac_class)]},
          {"network_kind", text_or_null(network.kind)},
          {"portgroup", text_or_null(network.portgroup)},
          {"switch", text_or_null(network.switch_id)},
          {"vlan", or_null(network.vlan)},
          {"connected", nic.connected},
          {"pci_slot", or_null(nic.pci_slot)},
          {"guest_name", text_or_null(nic.guest_name)}};
}

Json port_json(const Port& port) {
  return {{"index", port.index},
          {"kind", text_or_null(port.kind)},
          {"target", text_or_null(port.target)}};
}

Json property_json(const Property& property) {
  return {{"key", property.key},
          {"type", text_or_null(property.type)},
          {"value", property.value},
          {"label", text_or_null(property.label)},
          {"user_configurable", property.user_configurable}};
}

Json key_value_json(const Property& property) {
  return {{"key", property.key}, {"value", property.value}};
}

Json snapshot_json(const Snapshot& snapshot) {
  return {{"name", snapshot.name},
          {"id", text_or_null(snapshot.id)},
          {"description", text_or_null(snapshot.description)},
          {"parent", text_or_null(snapshot.parent)},
          {"disks", snapshot.disks}};
}

Json clock_json(const Clock& clock) {
  constexpr std::string_view kBases[] = {"", "utc", "localtime"};
  const std::string_view base = kBases[static_cast<std::size_t>(clock.base)];
  return {{"base", base.empty() ? Json(nullptr) : Json(base)},
          {"offset", or_null(clock.offset)},
          {"sync_with_host", clock.sync_with_host}};
}

Json machine_json(const Machine& machine) {
  const Identity& identity = machine.identity;
  Json json = {
      {"name", identity.name},
      {"annotation", text_or_null(identity.annotation)},
      {"guest_os", text_or_null(machine.guest_os.id)},
      {"guest_os_source", text_or_null(machine.guest_os.source_id)},
      {"guest_os_description", text_or_null(machine.guest_os.description)},
      {"hardware_version", or_null(machine.hardware_version)},
      {"bios_uuid",
       identity.smbios_uuid ? Json(identity.smbios_uuid->stored.text()) : Json(nullptr)},
      {"uuid",
       identity.smbios_uuid ? Json(identity.smbios_uuid->guest_visible().text()) : Json(nullptr)},
      {"instance_uuid", uuid_or_null(identity.instance_uuid)},
      {"genid", identity.generation ? Json(identity.generation->guid().text()) : Json(nullptr)},
      {"serial", text_or_null(identity.serial)},
      {"memory", or_null(machine.memory.size)},
      {"memory_hot_add", machine.memory.hot_add},
      {"memory_allocation", allocation_json(machine.memory.allocation)},
      {"cpus", or_null(machine.cpu.count)},
      {"cores_per_socket", or_null(machine.cpu.cores_per_socket)},
      {"cpu_hot_add", machine.cpu.hot_add},
      {"cpu_allocation", allocation_json(machine.cpu.allocation)},
      {"nested_virtualization", machine.cpu.nested},
      {"firmware", firmware_json(machine.firmware)},
      {"tpm", machine.tpm},
      {"suspended", machine.suspended},
      {"encrypted", machine.encrypted},
  };
  json["controllers"] = array_of(machine.controllers, controller_json);
  json["disks"] = array_of(machine.disks, drive_json);
  json["media"] = array_of(machine.media, medium_json);
  json["nics"] = array_of(machine.nics, nic_json);
  json["serials"] = array_of(machine.serials, port_json);
  json["parallels"] = array_of(machine.parallels, port_json);
  json["usb"] = machine.usb.any();
  json["sound"] = text_or_null(machine.sound);
  json["video"] = {{"model", text_or_null(machine.video.model)},
                   {"memory", or_null(machine.video.memory)},
                   {"displays", or_null(machine.video.displays)}};
  json["clock"] = clock_json(machine.clock);
  json["passthrough"] = array_of(machine.passthrough, [](const Passthrough& device) -> Json {
    return {{"kind", device.kind}, {"description", device.description}};
  });
  json["properties"] = array_of(machine.properties, property_json);
  json["guestinfo"] = array_of(machine.guestinfo, key_value_json);
  json["snapshots"] = array_of(machine.snapshots, snapshot_json);
  json["extra"] = array_of(machine.extra, key_value_json);
  json["warnings"] = array_of(machine.warnings, warning_json);
  return json;
}

std::string text(const Json& json) {
  // Text of a source may be in no known encoding: what is no UTF-8 becomes U+FFFD.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json(const Definition& definition) {
  Json json;
  json["dialect"] = definition.dialect;
  json["machines"] = array_of(definition.machines, machine_json);
  json["configurations"] =
      array_of(definition.configurations, [](const Configuration& configuration) -> Json {
        return {{"id", configuration.id},
                {"default", configuration.is_default},
                {"label", text_or_null(configuration.label)}};
      });
  json["warnings"] = array_of(definition.warnings, warning_json);
  return text(json);
}

std::string to_json(const LossReport& report) {
  Json json;
  json["entries"] = array_of(report.entries, [](const LossEntry& entry) -> Json {
    return {{"machine", entry.machine},
            {"key", entry.key},
            {"value", entry.value},
            {"status", loss_status_name(entry.status)},
            {"target", text_or_null(entry.target)},
            {"reason", text_or_null(entry.reason)},
            {"action", text_or_null(entry.action)}};
  });
  json["decisions"] = array_of(report.decisions, [](const Decision& decision) -> Json {
    return {{"machine", decision.machine},
            {"name", decision.name},
            {"value", decision.value},
            {"reason", decision.reason},
            {"overridden", decision.overridden}};
  });
  return text(json);
}

std::string to_json(const std::vector<Concern>& concerns) {
  const Json json = {
      {"concerns", array_of(concerns, [](const Concern& concern) -> Json {
         return {{"machine", concern.machine}, {"severity", severity_name(concern.severity)},
                 {"id", concern.id},           {"key", text_or_null(concern.key)},
                 {"message", concern.message}, {"action", text_or_null(concern.action)}};
       })}};
  return text(json);
}

}  // namespace vmlift::vm
