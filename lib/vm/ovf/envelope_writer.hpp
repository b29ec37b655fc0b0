// Writes a machine as an envelope, and the account of its keys. The parts lie in write_*.cpp.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vm/account.hpp"
#include "vm/dialect.hpp"
#include "vm/ovf/ovf.hpp"
#include "vm/vmware_decisions.hpp"

namespace vmlift::vm {

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

  Written write();

 private:
  void virtual_system();
  void properties();
  void hardware();
  pugi::xml_node add_item(Fields fields);
  static void add_setting(pugi::xml_node parent, const char* element, std::string_view key,
                          std::string_view value);
  void config(std::string_view key, bool value);
  void extra(std::string_view key, std::string_view value);

  // write_machine.cpp

  static void allocate(Fields& fields, const Allocation& allocation, std::uint64_t unit);
  void processors_and_memory();
  void clock();
  void settings();

  // write_storage.cpp

  void disk_section();
  static std::string disk_id(std::size_t at) { return fmt::format("vmdisk{}", at + 1); }
  std::string add_file(const std::string& path, std::optional<std::uint64_t> size);
  void controllers();
  static std::string controller_subtype(const Controller& controller);
  void disks();
  void media();

  // write_networks.cpp

  std::string network_name(const Nic& nic) const;
  void network_section();
  void nic(std::size_t at);

  // write_devices.cpp

  void other_devices();

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

}  // namespace vmlift::vm
