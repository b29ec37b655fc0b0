// Network cards of a VMX.
#include <fmt/format.h>

#include "vm/scalar.hpp"
#include "vm/vmx/device_reader.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

using R = Result<void>;
using E = VmxEntry;

struct RawNic {
  Nic nic;
  std::string address_type;
  std::string fixed_address;
  std::string generated_address;
};

constexpr DeviceKey<RawNic> kNicKeys[] = {
    {"present", Aspect::nic},
    {"virtualdev", Aspect::nic_model,
     [](RawNic& n, const E& e) -> R {
       n.nic.model = lower(trim(e.value));
       return {};
     }},
    {"features", Aspect::nic_model,
     [](RawNic& n, const E& e) -> R {
       // vmxnet with features=15 is what VMware calls vmxnet2.
       if (trim(e.value) == "15") n.nic.model = "vmxnet2";
       return {};
     }},
    {"addresstype", Aspect::nic_mac_class,
     [](RawNic& n, const E& e) -> R {
       n.address_type = lower(trim(e.value));
       return {};
     }},
    {"address", Aspect::nic_mac,
     [](RawNic& n, const E& e) -> R {
       n.fixed_address = e.value;
       return {};
     }},
    {"generatedaddress", Aspect::nic_mac,
     [](RawNic& n, const E& e) -> R {
       n.generated_address = e.value;
       return {};
     }},
    {"generatedaddressoffset", Aspect::nic_mac_class},
    {"checkmacaddress", Aspect::nic_mac_class},
    {"networkname", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.name = e.value;
       return {};
     }},
    {"connectiontype", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.kind = lower(trim(e.value));
       return {};
     }},
    {"vnet", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.device = e.value;
       return {};
     }},
    {"dvs.switchid", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.switch_id = e.value;
       return {};
     }},
    {"dvs.portgroupid", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.portgroup = e.value;
       return {};
     }},
    {"dvs.portid", Aspect::nic_network},
    {"dvs.connectionid", Aspect::nic_network},
    {"opaquenetwork.id", Aspect::nic_network,
     [](RawNic& n, const E& e) -> R {
       n.nic.network.portgroup = e.value;
       return {};
     }},
    {"opaquenetwork.type", Aspect::nic_network,
     [](RawNic& n, const E&) -> R {
       n.nic.network.kind = "opaque";
       return {};
     }},
    {"externalid", Aspect::nic_network},
    {"pcislotnumber", Aspect::nic_slot,
     [](RawNic& n, const E& e) -> R { return read_slot(n.nic.pci_slot, e); }},
    {"startconnected", Aspect::nic_connected,
     [](RawNic& n, const E& e) -> R {
       n.nic.connected = bool_value(e, true);
       return {};
     }},
    {"wakeonpcktrcv", Aspect::nic_wake,
     [](RawNic& n, const E& e) -> R {
       n.nic.wake_on_lan = bool_value(e);
       return {};
     }},
    {"allowguestconnectioncontrol", Aspect::nic_connected},
    {"linkstatepropagation.enable", Aspect::nic_connected},
    {"uptcompatibility", Aspect::bookkeeping},
};

}  // namespace

R DeviceReader::nic(const VmxDeviceName& name, const VmxDevice& device) {
  RawNic raw;
  const auto index = static_cast<std::uint32_t>(machine_.nics.size());
  VMLIFT_CHECK(read_keys(kNicKeys, raw, device, dictionary_, machine_, index, Aspect::unknown));
  Nic& nic = raw.nic;
  nic.index = name.address.controller;
  // addressType says which of the two addresses counts; peers that read only one of them
  // lose every MAC set by hand.
  const bool fixed = raw.address_type == "static" || raw.generated_address.empty();
  const std::string& address =
      fixed && !trim(raw.fixed_address).empty() ? raw.fixed_address : raw.generated_address;
  if (!trim(address).empty()) {
    if (const auto mac = parse_mac(address)) {
      nic.mac = *mac;
    } else {
      const VmxEntry* entry =
          value(device, &address == &raw.fixed_address ? "address" : "generatedaddress");
      if (entry != nullptr) return bad_value(*entry, "a MAC address");
    }
  }
  if (raw.address_type == "static")
    nic.mac_class = Nic::MacClass::fixed;
  else if (raw.address_type == "vpx")
    nic.mac_class = Nic::MacClass::manager;
  else if (raw.address_type == "generated")
    nic.mac_class = Nic::MacClass::generated;
  else
    nic.mac_class = mac_class_of(nic.mac);
  if (nic.network.kind.empty() && !nic.network.switch_id.empty()) nic.network.kind = "dvs";
  // udev names a hot-pluggable slot by its number, which VMware shows the guest as it is.
  if (nic.pci_slot) nic.guest_name = fmt::format("ens{}", *nic.pci_slot);
  machine_.nics.push_back(std::move(nic));
  return {};
}

}  // namespace vmlift::vm
