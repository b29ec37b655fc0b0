// Which items of a hardware section count, and who reads them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/ovf/extensions.hpp"
#include "vm/ovf/hardware_reader.hpp"
#include "vm/ovf/units.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"

namespace vmlift::vm {
namespace {

// Devices are looked up among each other; no hypervisor has a tenth of these.
constexpr std::size_t kMostItems = 4096;

}  // namespace

Result<void> HardwareReader::read(pugi::xml_node section) {
  VMLIFT_TRY(const std::vector<Item> items, selected_items(section));
  // Controllers first: a drive may stand before the controller it names.
  for (const Item& item : items)
    if (is_controller(item)) VMLIFT_CHECK(controller(item));
  for (const Item& item : items)
    if (!is_controller(item)) VMLIFT_CHECK(device(item));
  return {};
}

bool HardwareReader::is_controller(const Item& item) {
  return item.type == kIde || item.type == kScsi || item.type == kOtherStorage;
}

void HardwareReader::warn(const Item& item, std::string message) {
  machine_.warnings.push_back({item.label(), document_.line(item.node), std::move(message)});
}

Result<std::vector<Item>> HardwareReader::selected_items(pugi::xml_node section) {
  std::vector<Item> items;
  std::set<std::string> replaced;
  for (const auto node : section.children()) {
    const std::string_view name = local_name(node);
    if (name != "Item" && name != "StorageItem" && name != "EthernetPortItem") continue;
    std::string id(trim(text_of(child_of(node, "InstanceID"))));
    if (id.empty()) id = trim(text_of(child_of(node, "InstanceId")));  // OVF 0.9
    const std::string_view configuration = attribute_of(node, "configuration").value();
    if (!configuration.empty() && !names(configuration, envelope_.selected)) {
      document_.claim_rest(node, Aspect::absent, 0,
                           fmt::format("belongs to another deployment option: {}", configuration));
      continue;
    }
    const std::string_view bound = attribute_of(node, "bound").value();
    if (!bound.empty() && bound != "normal") {
      document_.claim_rest(node, Aspect::absent, 0, "a bound of a range; the normal value counts");
      continue;
    }
    VMLIFT_TRY(Item item, read_item(node, id));
    if (!configuration.empty()) replaced.insert(id);
    items.push_back(std::move(item));
    if (items.size() > kMostItems)
      return fail(ErrorCode::Limit, "a machine of more than {} hardware items", kMostItems);
  }
  std::erase_if(items, [&](const Item& item) {
    if (!replaced.contains(item.id) || attribute_of(item.node, "configuration")) return false;
    document_.claim_rest(item.node, Aspect::absent, 0, "replaced by the chosen deployment option");
    return true;
  });
  return items;
}

bool HardwareReader::names(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const auto space = std::min(list.find(' '), list.size());
    if (list.substr(0, space) == wanted) return true;
    list.remove_prefix(std::min(space + 1, list.size()));
  }
  return false;
}

Result<Item> HardwareReader::read_item(pugi::xml_node node, std::string id) {
  Item item{.node = node, .id = std::move(id)};
  const std::string_view type = item.field("ResourceType");
  const auto number = parse_unsigned(type);
  if (!number || *number > 0xffff)
    return bad_ovf(document_, node,
                   fmt::format("{}: ResourceType \"{}\" is no number", item.label(), type));
  item.type = static_cast<std::uint32_t>(*number);
  item.subtype = item.field("ResourceSubType");
  item.parent = item.field("Parent");
  for (std::string_view label : {"ElementName", "Caption", "Description"})
    document_.claim(child_of(node, label), Aspect::structure);
  return item;
}

std::string HardwareReader::resolved(std::string_view text) const {
  if (!text.starts_with("${") || !text.ends_with('}')) return std::string(text);
  const auto value = properties_.find(std::string(text.substr(2, text.size() - 3)));
  return value == properties_.end() ? std::string(text) : value->second;
}

Result<std::uint64_t> HardwareReader::quantity(const Item& item, std::string_view field) {
  const auto number = parse_unsigned(resolved(item.field(field)));
  if (!number) {
    return bad_ovf(
        document_, child_of(item.node, field) ? child_of(item.node, field) : item.node,
        fmt::format("{}: {} \"{}\" is no number", item.label(), field, item.field(field)));
  }
  return *number;
}

std::optional<std::uint64_t> HardwareReader::optional_quantity(const Item& item,
                                                               std::string_view field,
                                                               std::uint64_t unit) {
  const auto number = parse_unsigned(item.field(field));
  return number && *number != 0 ? checked_multiply(*number, unit) : std::nullopt;
}

Result<std::uint64_t> HardwareReader::unit_of(const Item& item, std::uint64_t otherwise) {
  const std::string_view text = item.field("AllocationUnits");
  if (text.empty()) return otherwise;
  const auto factor = unit_factor(text);
  if (!factor) {
    return bad_ovf(document_, child_of(item.node, "AllocationUnits"),
                   fmt::format("{}: AllocationUnits \"{}\" is no unit", item.label(), text));
  }
  return *factor;
}

Result<void> HardwareReader::device(const Item& item) {
  switch (item.type) {
    case kProcessor:
      return processor(item);
    case kMemory:
      return memory(item);
    case kEthernet:
      return nic(item);
    case kDisk:
    case kLogicalDisk:
      return disk(item);
    case kCd:
    case kDvd:
      return medium(item, Medium::Kind::cdrom);
    case kFloppy:
      return medium(item, Medium::Kind::floppy);
    case kSerial:
      return port(item, machine_.serials, Aspect::serial_port);
    case kParallel:
      return port(item, machine_.parallels, Aspect::parallel_port);
    case kUsb:
      return usb(item);
    case kGraphics:
      return video(item);
    case kTpm:
      return tpm(item);
    case kSound:
      return sound(item, item.subtype);
    default:
      return other(item);
  }
}

std::string HardwareReader::setting(const Item& item, std::string_view lower_key) const {
  std::string key;
  std::string value;
  for (const auto node : item.node.children())
    if (is_vmware_setting(node, key, value) && lower(key) == lower_key) return value;
  return {};
}

void HardwareReader::settings(const Item& item, Aspect aspect, std::uint32_t index,
                              std::optional<std::uint32_t>* slot) {
  std::string key;
  std::string value;
  for (const auto node : item.node.children()) {
    if (!is_vmware_setting(node, key, value)) continue;
    Aspect about = aspect;
    const std::string name = lower(key);
    if (name == "slotinfo.pcislotnumber") {
      const auto number = parse_unsigned(value);
      if (slot != nullptr && number && *number <= 0xffff)
        *slot = static_cast<std::uint32_t>(*number);
      about = aspect == Aspect::nic               ? Aspect::nic_slot
              : aspect == Aspect::controller_slot ? aspect
                                                  : Aspect::vmware_device;
    } else if (name == "wakeonlanenabled") {
      about = Aspect::nic_wake;
    } else if (name.starts_with("connectable.")) {
      about = aspect == Aspect::nic      ? Aspect::nic_connected
              : aspect == Aspect::medium ? Aspect::medium_connected
                                         : aspect;
    } else if (name == "backing.writethrough" || name == "backing.diskmode") {
      about = Aspect::disk_mode;
    } else if (name.starts_with("storageioallocation.")) {
      about = name.find("shares") != std::string::npos ? Aspect::disk_shares : Aspect::disk_io;
    }
    document_.claim_as(node, key, value, about, index);
  }
}

Result<void> read_ovf_hardware(XmlDocument& document, const Envelope& envelope,
                               const PropertyValues& properties, pugi::xml_node section,
                               Machine& machine) {
  return HardwareReader(document, envelope, properties, machine).read(section);
}

}  // namespace vmlift::vm
