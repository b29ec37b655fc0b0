// Writes a machine as a domain, and the account of its keys. The parts lie in write_*.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <pugixml.hpp>
#include <string>

#include "vm/account.hpp"
#include "vm/dialect.hpp"
#include "vm/guest_os.hpp"
#include "vm/libvirt/account_rules.hpp"
#include "vm/nic_target.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {

class DomainWriter {
 public:
  explicit DomainWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(libvirt_account_rules()),
        drives_(plan_drives(request.machine, request.options, request.decisions)) {}

  Written write();

 private:
  bool is_xen() const { return decisions_.is("domain-type", "xen"); }
  bool is_efi() const { return decisions_.is("firmware", "efi"); }
  bool adds_processors() const { return machine_.cpu.hot_add && decisions_.is("hot-add", "yes"); }
  bool adds_memory() const { return machine_.memory.hot_add && decisions_.is("hot-add", "yes"); }
  /// How many virtual CPUs there may be: twice those it starts with where they can be added.
  std::uint32_t most_processors() const {
    return machine_.cpu.count.value_or(1) * (adds_processors() ? 2 : 1);
  }
  bool is_windows() const { return guest_family(machine_.guest_os) == GuestFamily::windows; }

  // writer.cpp

  void identity();
  void metadata();

  // write_machine.cpp

  void memory();
  void processors();
  /// VMware's words stand for 500, 1000 and 2000 a virtual CPU; cgroups count 1024 for each.
  void cpu_shares(std::uint32_t count);
  void firmware();
  void features();
  void hyperv(pugi::xml_node features);
  void cpu();
  void clock();

  // write_devices.cpp

  void devices();
  void ports();
  void tpm();
  void display();
  void guest_devices();
  /// What <domain type='xen'> takes no word of.
  void xen_has_no();

  // write_storage.cpp

  void disk(const TargetDrive& drive);
  void account_disk(const TargetDrive& drive, const Drive& source, bool nonpersistent);
  void medium(const TargetMedium& target);
  void controllers();
  void account_controller(std::size_t at, const Controller& controller,
                          const std::map<std::uint32_t, std::string>& scsi);

  // write_networks.cpp

  void nic(std::size_t index);
  void add_mac(pugi::xml_node interface, const Nic& nic, std::size_t index);
  void account_nic(std::size_t index, const Nic& nic, const NicModel& model, bool mapped_here);

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  TargetDrives drives_;
  pugi::xml_document document_;
  pugi::xml_node domain_;
  pugi::xml_node devices_;
};

}  // namespace vmlift::vm
