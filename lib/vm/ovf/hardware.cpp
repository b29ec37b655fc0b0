#include "vm/ovf/hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/ovf/extensions.hpp"
#include "vm/ovf/units.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

using R = Result<void>;

// CIM_ResourceAllocationSettingData.ResourceType; 34 is VMware's, 35 VirtualBox'.
enum ResourceType : std::uint32_t {
  kOther = 1,
  kProcessor = 3,
  kMemory = 4,
  kIde = 5,
  kScsi = 6,
  kEthernet = 10,
  kFloppy = 14,
  kCd = 15,
  kDvd = 16,
  kDisk = 17,
  kOtherStorage = 20,
  kSerial = 21,
  kParallel = 22,
  kUsb = 23,
  kGraphics = 24,
  kLogicalDisk = 31,
  kTpm = 34,
  kSound = 35,
};

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// Without units the standard says bytes, and everybody who leaves them out means megabytes: no
// machine has less than 16 MiB, none more than 16 TiB.
constexpr std::uint64_t kMostBareMegabytes = std::uint64_t{16} << 20;
// Devices are looked up among each other; no hypervisor has a tenth of these.
constexpr std::size_t kMostItems = 4096;
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 53;

struct Item {
  pugi::xml_node node;
  std::string id;
  std::uint32_t type = kOther;
  std::string subtype;
  std::string parent;

  std::string_view field(std::string_view name) const {
    return trim(text_of(child_of(node, name)));
  }
  std::string label() const { return fmt::format("Item[{}]", id); }
};

/// What an item's ResourceSubType says; the list form is "VMware's own word, fallback".
struct Subtype {
  std::string_view spelling;  ///< lower case
  std::string_view model;
};
constexpr Subtype kControllerModels[] = {
    {"virtualscsi", "pvscsi"},
    {"vmware.virtualscsi", "pvscsi"},
    {"lsilogicsas", "lsisas1068"},
    {"lsilogic", "lsilogic"},
    {"buslogic", "buslogic"},
    {"lsisas1068", "lsisas1068"},
    {"vmware.sata.ahci", "ahci"},
    {"ahci", "ahci"},
    {"vmware.nvme.controller", "nvme"},
    {"nvme", "nvme"},
    {"piix3", "piix3"},
    {"piix4", "piix4"},
    {"ich6", "ich6"},
    {"virtio-scsi", "virtio-scsi"},
    {"virtioscsi", "virtio-scsi"},
};

/// The first word of the list that the table knows; else the text in lower case.
std::string controller_model(std::string_view subtype) {
  std::string word;
  const std::string text = lower(subtype) + " ";
  for (const char c : text) {
    if (c != ' ' && c != ',') {
      word += c;
      continue;
    }
    const auto row =
        std::ranges::find(kControllerModels, std::string_view(word), &Subtype::spelling);
    if (row != std::end(kControllerModels)) return std::string(row->model);
    word.clear();
  }
  return lower(trim(subtype));
}

class HardwareReader {
 public:
  HardwareReader(XmlDocument& document, const Envelope& envelope, const PropertyValues& properties,
                 Machine& machine)
      : document_(document), envelope_(envelope), properties_(properties), machine_(machine) {}

  R read(pugi::xml_node section) {
    VMLIFT_TRY(const std::vector<Item> items, selected_items(section));
    // Controllers first: a drive may stand before the controller it names.
    for (const Item& item : items)
      if (is_controller(item)) VMLIFT_CHECK(controller(item));
    for (const Item& item : items)
      if (!is_controller(item)) VMLIFT_CHECK(device(item));
    return {};
  }

 private:
  static bool is_controller(const Item& item) {
    return item.type == kIde || item.type == kScsi || item.type == kOtherStorage;
  }

  void warn(const Item& item, std::string message) {
    machine_.warnings.push_back({item.label(), document_.line(item.node), std::move(message)});
  }

  /// Items may be meant for one deployment option only, replace each other in it, or state
  /// the bounds of a range.
  Result<std::vector<Item>> selected_items(pugi::xml_node section) {
    std::vector<Item> items;
    std::set<std::string> replaced;
    for (const auto node : section.children()) {
      const std::string_view name = local_name(node);
      if (name != "Item" && name != "StorageItem" && name != "EthernetPortItem") continue;
      std::string id(trim(text_of(child_of(node, "InstanceID"))));
      if (id.empty()) id = trim(text_of(child_of(node, "InstanceId")));  // OVF 0.9
      const std::string_view configuration = attribute_of(node, "configuration").value();
      if (!configuration.empty() && !names(configuration, envelope_.selected)) {
        document_.claim_rest(
            node, Aspect::absent, 0,
            fmt::format("belongs to another deployment option: {}", configuration));
        continue;
      }
      const std::string_view bound = attribute_of(node, "bound").value();
      if (!bound.empty() && bound != "normal") {
        document_.claim_rest(node, Aspect::absent, 0,
                             "a bound of a range; the normal value counts");
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
      document_.claim_rest(item.node, Aspect::absent, 0,
                           "replaced by the chosen deployment option");
      return true;
    });
    return items;
  }

  static bool names(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
      const auto space = std::min(list.find(' '), list.size());
      if (list.substr(0, space) == wanted) return true;
      list.remove_prefix(std::min(space + 1, list.size()));
    }
    return false;
  }

  Result<Item> read_item(pugi::xml_node node, std::string id) {
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

  // Numbers.

  /// The number, or the value of the property that "${key}" names.
  std::string resolved(std::string_view text) const {
    if (!text.starts_with("${") || !text.ends_with('}')) return std::string(text);
    const auto value = properties_.find(std::string(text.substr(2, text.size() - 3)));
    return value == properties_.end() ? std::string(text) : value->second;
  }

  Result<std::uint64_t> quantity(const Item& item, std::string_view field) {
    const auto number = parse_unsigned(resolved(item.field(field)));
    if (!number) {
      return bad_ovf(
          document_, child_of(item.node, field) ? child_of(item.node, field) : item.node,
          fmt::format("{}: {} \"{}\" is no number", item.label(), field, item.field(field)));
    }
    return *number;
  }

  std::optional<std::uint64_t> optional_quantity(const Item& item, std::string_view field,
                                                 std::uint64_t unit) {
    const auto number = parse_unsigned(item.field(field));
    return number && *number != 0 ? checked_multiply(*number, unit) : std::nullopt;
  }

  Result<std::uint64_t> unit_of(const Item& item, std::uint64_t otherwise) {
    const std::string_view text = item.field("AllocationUnits");
    if (text.empty()) return otherwise;
    const auto factor = unit_factor(text);
    if (!factor) {
      return bad_ovf(document_, child_of(item.node, "AllocationUnits"),
                     fmt::format("{}: AllocationUnits \"{}\" is no unit", item.label(), text));
    }
    return *factor;
  }

  // Devices.

  R device(const Item& item) {
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

  R processor(const Item& item) {
    VMLIFT_TRY(const std::uint64_t count, quantity(item, "VirtualQuantity"));
    if (count == 0 || count > 65536)
      return bad_ovf(document_, item.node, fmt::format("{}: {} virtual CPUs", item.label(), count));
    if (machine_.cpu.count)
      warn(item, "another item with processors; the first counts");
    else
      machine_.cpu.count = static_cast<std::uint32_t>(count);
    document_.claim(child_of(item.node, "VirtualQuantity"), Aspect::cpu_count);
    if (const auto cores = child_of(item.node, "CoresPerSocket")) {
      const auto number = parse_unsigned(text_of(cores));
      if (number && *number != 0 && *number <= 65536)
        machine_.cpu.cores_per_socket = static_cast<std::uint32_t>(*number);
      document_.claim(cores, Aspect::cpu_topology);
      document_.claim_rest(cores, Aspect::cpu_topology);
    }
    auto& allocation = machine_.cpu.allocation;
    allocation.reservation = optional_quantity(item, "Reservation", 1);
    allocation.limit = optional_quantity(item, "Limit", 1);
    if (!item.field("Weight").empty()) allocation.shares = item.field("Weight");
    for (std::string_view field : {"Reservation", "Limit"})
      document_.claim(child_of(item.node, field), Aspect::cpu_allocation);
    document_.claim(child_of(item.node, "Weight"), Aspect::cpu_shares);
    settings(item, Aspect::cpu_allocation, 0);
    document_.claim_rest(item.node, Aspect::cpu_count);
    return {};
  }

  R memory(const Item& item) {
    VMLIFT_TRY(const std::uint64_t number, quantity(item, "VirtualQuantity"));
    const bool bare = item.field("AllocationUnits").empty();
    VMLIFT_TRY(const std::uint64_t unit, unit_of(item, number <= kMostBareMegabytes ? kMiB : 1));
    const auto bytes = checked_multiply(number, unit);
    if (!bytes || *bytes == 0 || *bytes > kMostMemory) {
      return bad_ovf(document_, item.node,
                     fmt::format("{}: {} x {} bytes of memory", item.label(), number, unit));
    }
    if (bare)
      warn(item, "memory without AllocationUnits; read as megabytes where that is possible");
    if (machine_.memory.size)
      warn(item, "another item with memory; the first counts");
    else
      machine_.memory.size = *bytes;
    auto& allocation = machine_.memory.allocation;
    allocation.reservation = optional_quantity(item, "Reservation", unit);
    allocation.limit = optional_quantity(item, "Limit", unit);
    if (!item.field("Weight").empty()) allocation.shares = item.field("Weight");
    for (std::string_view field : {"Reservation", "Limit"})
      document_.claim(child_of(item.node, field), Aspect::memory_allocation);
    document_.claim(child_of(item.node, "Weight"), Aspect::memory_shares);
    settings(item, Aspect::memory_allocation, 0);
    document_.claim_rest(item.node, Aspect::memory_size);
    return {};
  }

  R controller(const Item& item) {
    Controller controller;
    controller.model = controller_model(item.subtype);
    if (item.type == kIde)
      controller.bus = Bus::ide;
    else if (item.type == kScsi)
      controller.bus = Bus::scsi;
    else if (controller.model == "nvme")
      controller.bus = Bus::nvme;
    else if (lower(item.subtype).find("nvdimm") != std::string::npos) {
      document_.claim_rest(item.node, Aspect::vmware_device);
      return {};
    } else {
      controller.bus = Bus::sata;
    }
    const auto taken = [&](std::uint32_t index) {
      return used_.contains({controller.bus, index, 0});
    };
    std::string_view address = item.field("Address");
    if (address.empty()) address = item.field("BusNumber");  // OVF 0.9
    const auto number = parse_unsigned(address);
    controller.index = number && *number < 256 ? static_cast<std::uint32_t>(*number) : 0;
    while (taken(controller.index)) ++controller.index;
    used_.insert({controller.bus, controller.index, 0});
    if (item.subtype.empty() && controller.bus == Bus::scsi) controller.model.clear();
    const auto index = static_cast<std::uint32_t>(machine_.controllers.size());
    document_.claim(child_of(item.node, "ResourceSubType"), Aspect::controller_model, index);
    settings(item, Aspect::controller_slot, index, &controller.pci_slot);
    document_.claim_rest(item.node, Aspect::controller, index);
    controllers_.emplace(item.id, Address{controller.bus, controller.index, 0});
    machine_.controllers.push_back(std::move(controller));
    return {};
  }

  /// Where a drive hangs. One without a parent, or on one that is not there, gets a place of
  /// its own rather than being lost.
  Result<Address> drive_address(const Item& item) {
    Address address{Bus::scsi, 0, 0};
    if (const auto parent = controllers_.find(item.parent); parent != controllers_.end()) {
      address = parent->second;
    } else if (!item.parent.empty()) {
      return bad_ovf(document_, item.node,
                     fmt::format("{}: there is no controller with InstanceID \"{}\"", item.label(),
                                 item.parent));
    }
    const auto unit = parse_unsigned(item.field("AddressOnParent"));
    if (unit && *unit < 256) address.unit = static_cast<std::uint32_t>(*unit);
    while (places_.contains(address)) ++address.unit;
    places_.insert(address);
    return address;
  }

  R disk(const Item& item) {
    Drive drive;
    VMLIFT_TRY(drive.address, drive_address(item));
    const auto index = static_cast<std::uint32_t>(machine_.disks.size());
    std::string_view resource = item.field("HostResource");
    for (std::string_view scheme : {"ovf://", "ovf:"})
      if (resource.starts_with(scheme)) resource.remove_prefix(scheme.size());
    if (resource.starts_with('/')) resource.remove_prefix(1);
    std::string file;
    if (resource.starts_with("disk/")) {
      const std::string id(resource.substr(5));
      const auto found = envelope_.disks.find(id);
      if (found == envelope_.disks.end())
        return bad_ovf(
            document_, item.node,
            fmt::format("{}: there is no disk \"{}\" in the DiskSection", item.label(), id));
      if (!attached_.insert(id).second)
        return bad_ovf(document_, item.node,
                       fmt::format("{}: the disk \"{}\" is attached twice", item.label(), id));
      VMLIFT_CHECK(disk_of_section(found->second, drive, index));
      file = found->second.file;
    } else if (resource.starts_with("file/")) {
      file = resource.substr(5);
    } else if (!resource.empty()) {
      return bad_ovf(document_, item.node,
                     fmt::format("{}: HostResource \"{}\" names neither disk nor file",
                                 item.label(), resource));
    }
    if (!file.empty()) {
      const auto found = envelope_.files.find(file);
      if (found == envelope_.files.end())
        return bad_ovf(document_, item.node,
                       fmt::format("{}: there is no File \"{}\"", item.label(), file));
      if (!files_.insert(file).second)
        return bad_ovf(document_, item.node,
                       fmt::format("{}: the File \"{}\" is used by two disks", item.label(), file));
      drive.source = found->second.href;
      document_.claim(attribute_of(found->second.node, "href"), Aspect::disk_source, index);
      document_.claim_rest(found->second.node, Aspect::disk_source, index);
    }
    document_.claim(child_of(item.node, "HostResource"), Aspect::disk_source, index);
    if (const auto mode = setting(item, "backing.diskmode"); !mode.empty()) drive.mode = mode;
    settings(item, Aspect::disk_mode, index);
    document_.claim_rest(item.node, Aspect::disk, index);
    machine_.disks.push_back(std::move(drive));
    return {};
  }

  R disk_of_section(const OvfDisk& source, Drive& drive, std::uint32_t index) {
    drive.id = source.id;
    drive.format = "vmdk";
    const std::string_view format = attribute_of(source.node, "format").value();
    if (contains_ignoring_case(format, "qcow"))
      drive.format = "qcow2";
    else if (contains_ignoring_case(format, "vhd"))
      drive.format = "vhd";
    else if (contains_ignoring_case(format, "raw"))
      drive.format = "raw";
    if (!source.serial.empty())
      if (const auto uuid = parse_uuid(source.serial)) drive.serial = uuid->text();
    if (!source.capacity.empty()) {
      const std::string text = resolved(source.capacity);
      const auto number = parse_unsigned(text);
      const auto bytes = number ? checked_multiply(*number, source.capacity_unit) : std::nullopt;
      if (!bytes) {
        return bad_ovf(
            document_, source.node,
            fmt::format("disk \"{}\": capacity \"{}\" is no number of bytes", source.id, text));
      }
      if (*bytes != 0) drive.capacity = *bytes;  // 0: its writer did not know
    }
    if (!source.parent.empty()) {
      machine_.warnings.push_back({fmt::format("DiskSection/Disk[{}]/@parentRef", source.id),
                                   document_.line(source.node),
                                   fmt::format("the disk is a delta over \"{}\"", source.parent)});
    }
    for (std::string_view name : {"capacity", "capacityAllocationUnits"})
      document_.claim(attribute_of(source.node, name), Aspect::disk_capacity, index);
    document_.claim(attribute_of(source.node, "uuid"), Aspect::disk_serial, index);
    document_.claim_rest(source.node, Aspect::disk, index);
    return {};
  }

  R medium(const Item& item, Medium::Kind kind) {
    Medium medium;
    medium.kind = kind;
    if (kind == Medium::Kind::floppy) {
      medium.address = {Bus::floppy, 0, floppies_++};
    } else {
      VMLIFT_TRY(medium.address, drive_address(item));
    }
    const auto index = static_cast<std::uint32_t>(machine_.media.size());
    std::string_view resource = item.field("HostResource");
    const auto file = resource.find("/file/");
    if (file != std::string_view::npos) {
      const std::string id(resource.substr(file + 6));
      if (const auto found = envelope_.files.find(id); found != envelope_.files.end()) {
        medium.source = found->second.href;
        medium.backing = Medium::Backing::image;
        document_.claim_rest(found->second.node, Aspect::medium_source, index);
      }
    } else if (contains_ignoring_case(item.subtype, "remote")) {
      medium.backing = Medium::Backing::client;
    }
    medium.connected = parse_bool(item.field("AutomaticAllocation")).value_or(true);
    document_.claim(child_of(item.node, "HostResource"), Aspect::medium_source, index);
    document_.claim(child_of(item.node, "AutomaticAllocation"), Aspect::medium_connected, index);
    settings(item, Aspect::medium, index);
    document_.claim_rest(item.node, Aspect::medium, index);
    machine_.media.push_back(std::move(medium));
    return {};
  }

  R nic(const Item& item) {
    Nic nic;
    const auto index = static_cast<std::uint32_t>(machine_.nics.size());
    nic.index = index;
    nic.model = lower(trim(item.subtype.substr(0, item.subtype.find_first_of(" ,"))));
    if (const std::string_view address = item.field("Address"); !address.empty()) {
      if (const auto mac = parse_mac(address))
        nic.mac = *mac;
      else
        warn(item, fmt::format("Address \"{}\" is no MAC address", address));
    }
    nic.mac_class = mac_class_of(nic.mac);
    nic.network.name = item.field("Connection");
    nic.connected = parse_bool(item.field("AutomaticAllocation")).value_or(true);
    document_.claim(child_of(item.node, "Address"), Aspect::nic_mac, index);
    document_.claim(child_of(item.node, "Connection"), Aspect::nic_network, index);
    document_.claim(child_of(item.node, "ResourceSubType"), Aspect::nic_model, index);
    document_.claim(child_of(item.node, "AutomaticAllocation"), Aspect::nic_connected, index);
    if (const auto wake = parse_bool(setting(item, "wakeonlanenabled"))) nic.wake_on_lan = *wake;
    settings(item, Aspect::nic, index, &nic.pci_slot);
    if (nic.pci_slot) nic.guest_name = fmt::format("ens{}", *nic.pci_slot);
    document_.claim_rest(item.node, Aspect::nic, index);
    machine_.nics.push_back(std::move(nic));
    return {};
  }

  R port(const Item& item, std::vector<Port>& ports, Aspect aspect) {
    const auto index = static_cast<std::uint32_t>(ports.size());
    std::string kind = lower(item.subtype);
    if (const auto dot = kind.rfind('.'); dot != std::string::npos) kind = kind.substr(dot + 1);
    ports.push_back({index, kind, std::string(item.field("HostResource"))});
    settings(item, aspect, index);
    document_.claim_rest(item.node, aspect, index);
    return {};
  }

  R usb(const Item& item) {
    if (contains_ignoring_case(item.subtype, "xhci"))
      machine_.usb.xhci = true;
    else if (contains_ignoring_case(item.subtype, "ehci"))
      machine_.usb.ehci = true;
    else
      machine_.usb.uhci = true;
    settings(item, Aspect::usb, 0);
    document_.claim_rest(item.node, Aspect::usb);
    return {};
  }

  R video(const Item& item) {
    const auto number = [&](std::string_view key) { return parse_unsigned(setting(item, key)); };
    if (const auto kibibytes = number("videoramsizeinkb"))
      machine_.video.memory = checked_multiply<std::uint64_t>(*kibibytes, 1024);
    if (const auto displays = number("numdisplays"); displays && *displays < 64)
      machine_.video.displays = static_cast<std::uint32_t>(*displays);
    if (const auto enabled = parse_bool(setting(item, "enable3dsupport")))
      machine_.video.accelerated = *enabled;
    settings(item, Aspect::video, 0);
    document_.claim_rest(item.node, Aspect::video);
    return {};
  }

  R tpm(const Item& item) {
    machine_.tpm = true;
    settings(item, Aspect::tpm, 0);
    document_.claim_rest(item.node, Aspect::tpm);
    return {};
  }

  R sound(const Item& item, std::string_view subtype) {
    machine_.sound = contains_ignoring_case(subtype, "hda")    ? "hdaudio"
                     : contains_ignoring_case(subtype, "sb16") ? "sb16"
                                                               : "es1371";
    settings(item, Aspect::sound, 0);
    document_.claim_rest(item.node, Aspect::sound);
    return {};
  }

  /// ResourceType 1: what only the subtype names.
  R other(const Item& item) {
    const std::string subtype = lower(item.subtype);
    if (subtype.find("vtpm") != std::string::npos) return tpm(item);
    if (subtype.find("soundcard") != std::string::npos) return sound(item, subtype);
    if (subtype.find("passthrough") != std::string::npos) {
      const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
      const bool vgpu = subtype.find("vmiop") != std::string::npos;
      machine_.passthrough.push_back(
          {vgpu ? "vgpu" : "pci", std::string(item.field("ElementName"))});
      settings(item, Aspect::passthrough, index);
      document_.claim_rest(item.node, Aspect::passthrough, index);
      return {};
    }
    const bool known = subtype.starts_with("vmware.");
    settings(item, known ? Aspect::vmware_device : Aspect::unknown, 0);
    if (known) document_.claim_rest(item.node, Aspect::vmware_device);
    return {};
  }

  // vmw:Config of an item.

  std::string setting(const Item& item, std::string_view lower_key) const {
    std::string key;
    std::string value;
    for (const auto node : item.node.children())
      if (is_vmware_setting(node, key, value) && lower(key) == lower_key) return value;
    return {};
  }

  void settings(const Item& item, Aspect aspect, std::uint32_t index,
                std::optional<std::uint32_t>* slot = nullptr) {
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

  XmlDocument& document_;
  const Envelope& envelope_;
  const PropertyValues& properties_;
  Machine& machine_;
  std::map<std::string, Address> controllers_;  ///< by InstanceID
  std::set<Address> used_;                      ///< controllers' bus and index
  std::set<Address> places_;                    ///< drives
  std::set<std::string> attached_;
  std::set<std::string> files_;
  std::uint32_t floppies_ = 0;
};

}  // namespace

Result<void> read_ovf_hardware(XmlDocument& document, const Envelope& envelope,
                               const PropertyValues& properties, pugi::xml_node section,
                               Machine& machine) {
  return HardwareReader(document, envelope, properties, machine).read(section);
}

}  // namespace vmlift::vm
