// Definitions built by readable code: a VMX from its lines, an OVF from its items.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vmlift/vm.hpp"

namespace vmlift::test {

using Lines = std::vector<std::pair<std::string, std::string>>;

/// A VMX of these keys, on top of what every VMX has.
inline std::string vmx_text(const Lines& lines) {
  std::string text = "config.version = \"8\"\nvirtualHW.version = \"19\"\n";
  for (const auto& [key, value] : lines) text += fmt::format("{} = \"{}\"\n", key, value);
  return text;
}

inline Lines scsi_disk(int unit, const std::string& file, const std::string& model = "pvscsi") {
  return {{"scsi0.present", "TRUE"},
          {"scsi0.virtualDev", model},
          {fmt::format("scsi0:{}.present", unit), "TRUE"},
          {fmt::format("scsi0:{}.fileName", unit), file}};
}

inline Lines nic(int index, const std::string& network, const std::string& mac) {
  const std::string name = fmt::format("ethernet{}", index);
  return {{name + ".present", "TRUE"},
          {name + ".virtualDev", "vmxnet3"},
          {name + ".networkName", network},
          {name + ".addressType", "static"},
          {name + ".address", mac}};
}

inline Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// An OVF item: {"ResourceType", "3"} and so on; elements get the prefix rasd.
inline std::string ovf_item(const Lines& fields, const std::string& attributes = {}) {
  std::string item = fmt::format("<Item {}>", attributes);
  for (const auto& [name, value] : fields)
    item += fmt::format("<rasd:{0}>{1}</rasd:{0}>", name, value);
  return item + "</Item>\n";
}
inline std::string ovf_processors(int count) {
  return ovf_item(
      {{"InstanceID", "1"}, {"ResourceType", "3"}, {"VirtualQuantity", std::to_string(count)}});
}
inline std::string ovf_memory(const std::string& quantity, const std::string& units) {
  return ovf_item({{"AllocationUnits", units},
                   {"InstanceID", "2"},
                   {"ResourceType", "4"},
                   {"VirtualQuantity", quantity}});
}

struct OvfText {
  std::string namespace_uri = "http://schemas.dmtf.org/ovf/envelope/1";
  std::string head;      ///< References, DiskSection, NetworkSection, ...
  std::string hardware;  ///< items and settings
  std::string sections;  ///< further sections of the system
  std::string id = "vm1";

  std::string system() const {
    return fmt::format(
        "<VirtualSystem ovf:id=\"{}\"><Info>a machine</Info>{}<VirtualHardwareSection><Info>hardware</Info>\n"
        "<System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>"
        "<vssd:VirtualSystemType>vmx-15</vssd:VirtualSystemType></System>\n{}</VirtualHardwareSection></VirtualSystem>\n",
        id, sections, hardware);
  }
  std::string envelope(const std::string& content) const {
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Envelope xmlns=\"{0}\" xmlns:ovf=\"{0}\" "
        "xmlns:rasd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData\" "
        "xmlns:vssd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData\" "
        "xmlns:vmw=\"http://www.vmware.com/schema/ovf\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n{1}{2}</Envelope>\n",
        namespace_uri, head, content);
  }
  std::string text() const { return envelope(system()); }
};

/// References and DiskSection of one disk "d1" in file `href`.
inline std::string ovf_disk_head(const std::string& href) {
  return fmt::format(
      "<References><File ovf:id=\"f1\" ovf:href=\"{}\"/></References><DiskSection><Info>disks</Info>"
      "<Disk ovf:diskId=\"d1\" ovf:fileRef=\"f1\" ovf:capacity=\"8\" ovf:capacityAllocationUnits=\"byte * 2^30\"/></DiskSection>",
      href);
}
inline std::string ovf_scsi_disk(const std::string& subtype = "VirtualSCSI") {
  return ovf_item({{"Address", "0"},
                   {"InstanceID", "3"},
                   {"ResourceSubType", subtype},
                   {"ResourceType", "6"}}) +
         ovf_item({{"AddressOnParent", "0"},
                   {"HostResource", "ovf:/disk/d1"},
                   {"InstanceID", "4"},
                   {"Parent", "3"},
                   {"ResourceType", "17"}});
}

}  // namespace vmlift::test
