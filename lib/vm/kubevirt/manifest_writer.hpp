// Writes a machine as a manifest, and the account of its keys. The parts lie in write_*.cpp.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "vm/account.hpp"
#include "vm/dialect.hpp"
#include "vm/kubevirt/kubevirt.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {

using Json = nlohmann::ordered_json;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
/// A DNS label: what names in Kubernetes are.
std::string label(std::string_view text);

class ManifestWriter {
 public:
  explicit ManifestWriter(const WriteRequest& request)
      : request_(request),
        machine_(request.machine),
        decisions_(request.decisions),
        account_(kubevirt_account_rules()),
        drives_(plan_drives(request.machine, request.options, request.decisions)) {}

  Written write();

 private:
  bool is_efi() const { return decisions_.is("firmware", "efi"); }
  bool secure() const { return is_efi() && decisions_.is("secure-boot", "yes"); }
  void metadata();

  // write_machine.cpp

  void cpu_and_memory();
  void firmware();
  void features();
  void clock();

  // write_devices.cpp

  void devices();
  void tpm();

  // write_storage.cpp

  /// KubeVirt's "scsi" is virtio-scsi, whatever the source had.
  static std::string bus_of(const TargetDrive& drive);
  void disk(const TargetDrive& drive);

  // write_networks.cpp

  void nic(std::size_t index);
  std::string model_of(const Nic& nic) const;
  /// Calico keeps a machine's addresses when its pod asks for them.
  void static_addresses(const Nic& nic);

  const WriteRequest& request_;
  const Machine& machine_;
  const Decisions& decisions_;
  Account account_;
  TargetDrives drives_;
  std::string name_;
  Json annotations_ = Json::object();
  Json pod_annotations_ = Json::object();
  Json domain_;
  Json devices_;
  Json disks_ = Json::array();
  Json interfaces_ = Json::array();
  Json networks_ = Json::array();
  Json volumes_ = Json::array();
  Json templates_ = Json::array();
  bool pod_network_ = false;
};

}  // namespace vmlift::vm
