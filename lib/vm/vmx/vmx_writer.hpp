// Writes a machine as a VMX, and the account of its keys. The parts lie in write_*.cpp.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "vm/account.hpp"
#include "vm/dialect.hpp"
#include "vm/scalar.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/dictionary.hpp"
#include "vm/vmx/vmx.hpp"

namespace vmlift::vm {

class VmxWriter {
 public:
  explicit VmxWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(vmx_account_rules()),
        drives_(plan_vmware_drives(request.machine, request.decisions)) {}

  Written write();

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
  static bool is_key(std::string_view text);
  /// What the model has no place for goes from VMX to VMX as it stands.
  void same_keys();

  // write_machine.cpp

  /// As vCenter writes names.
  static std::string escaped_name(const std::string& name);
  /// "56 4d 0e 5a 2a 62 8b 3c-7f 3c ..."
  static std::string spaced(const Uuid& uuid);
  void identity();
  void processors();
  void memory();
  void firmware();
  /// The PCI Express bridges that every machine since hardware version 7 has its devices on.
  void bridges();

  // write_storage.cpp

  void storage();
  void disk(std::size_t at, const std::string& stem);
  void medium(const Medium& medium, const Address& address);

  // write_networks.cpp

  void nic(std::size_t at);
  void mac(const Nic& nic, const std::string& name);
  void network(std::size_t at, const Nic& nic, const std::string& name);

  // write_devices.cpp

  void ports(const std::vector<Port>& ports, std::string_view kind);
  void other_devices();

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  std::vector<VmwareDrive> drives_;
  std::string text_;
  std::unordered_set<std::string> written_;  ///< keys, in lower case
};

}  // namespace vmlift::vm
