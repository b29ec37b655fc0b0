// Reads the items of a VirtualHardwareSection: one member for each kind. The parts lie in
// read_*.cpp.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "vm/ovf/hardware.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

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

class HardwareReader {
 public:
  HardwareReader(XmlDocument& document, const Envelope& envelope, const PropertyValues& properties,
                 Machine& machine)
      : document_(document), envelope_(envelope), properties_(properties), machine_(machine) {}

  Result<void> read(pugi::xml_node section);

 private:
  static bool is_controller(const Item& item);
  void warn(const Item& item, std::string message);
  /// Items may be meant for one deployment option only, replace each other in it, or state
  /// the bounds of a range.
  Result<std::vector<Item>> selected_items(pugi::xml_node section);
  static bool names(std::string_view list, std::string_view wanted);
  Result<Item> read_item(pugi::xml_node node, std::string id);

  // Numbers.

  /// The number, or the value of the property that "${key}" names.
  std::string resolved(std::string_view text) const;
  Result<std::uint64_t> quantity(const Item& item, std::string_view field);
  std::optional<std::uint64_t> optional_quantity(const Item& item, std::string_view field,
                                                 std::uint64_t unit);
  Result<std::uint64_t> unit_of(const Item& item, std::uint64_t otherwise);
  // Devices.
  Result<void> device(const Item& item);

  // read_machine.cpp

  Result<void> processor(const Item& item);
  Result<void> memory(const Item& item);

  // read_storage.cpp

  Result<void> controller(const Item& item);
  /// Where a drive hangs. One without a parent, or on one that is not there, gets a place of
  /// its own rather than being lost.
  Result<Address> drive_address(const Item& item);
  Result<void> disk(const Item& item);
  Result<void> disk_of_section(const OvfDisk& source, Drive& drive, std::uint32_t index);
  Result<void> medium(const Item& item, Medium::Kind kind);

  // read_networks.cpp

  Result<void> nic(const Item& item);

  // read_devices.cpp

  Result<void> port(const Item& item, std::vector<Port>& ports, Aspect aspect);
  Result<void> usb(const Item& item);
  Result<void> video(const Item& item);
  Result<void> tpm(const Item& item);
  Result<void> sound(const Item& item, std::string_view subtype);
  /// ResourceType 1: what only the subtype names.
  Result<void> other(const Item& item);
  // vmw:Config of an item.
  std::string setting(const Item& item, std::string_view lower_key) const;
  void settings(const Item& item, Aspect aspect, std::uint32_t index,
                std::optional<std::uint32_t>* slot = nullptr);

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

}  // namespace vmlift::vm
