#include "support/appliance_builder.hpp"

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "codec/digest.hpp"
#include "support/outcome.hpp"
#include "support/tar_builder.hpp"

namespace vmlift::test {
namespace {

constexpr std::string_view kEnvelope = R"(<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References>
{files}  </References>
  <DiskSection><Info>Virtual disks</Info>
{disks}  </DiskSection>
  <VirtualSystem ovf:id="{name}">
    <Info>A virtual machine</Info>
    <Name>{name}</Name>
    <OperatingSystemSection ovf:id="96"><Info>The guest</Info></OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>vmx-19</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:ElementName>2 processors</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>2</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:ElementName>Memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>512</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:Address>0</rasd:Address>
        <rasd:ElementName>SCSI controller</rasd:ElementName>
        <rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>
        <rasd:ResourceType>6</rasd:ResourceType>
      </Item>
{items}    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
)";

}  // namespace

Appliance& Appliance::disk(ApplianceDisk disk) {
  disks_.push_back(std::move(disk));
  return *this;
}

Appliance& Appliance::blank_disk(std::uint64_t capacity) {
  disks_.push_back({.capacity = capacity});
  return *this;
}

Appliance& Appliance::file(std::string_view name, std::string_view content) {
  files_.push_back({std::string(name), std::string(content)});
  return *this;
}

Appliance& Appliance::flat_disk(const std::string& stem, std::string_view bytes) {
  disk({.href = stem + ".vmdk", .capacity = bytes.size()});
  file(stem + ".vmdk", flat_descriptor(stem + "-flat.vmdk", bytes.size() / 512));
  return file(stem + "-flat.vmdk", bytes);
}

Appliance& Appliance::manifest(DigestAlgorithm algorithm) {
  manifest_ = manifest_line(algorithm, name_ + ".ovf", ovf());
  for (const ApplianceFile& file : files_) {
    manifest_ += manifest_line(algorithm, file.name, file.content);
  }
  return *this;
}

Appliance& Appliance::manifest_text(std::string_view text) {
  manifest_ = text;
  return *this;
}

std::string Appliance::ovf() const {
  std::string files;
  std::string disks;
  std::string items;
  for (std::size_t index = 0; index < disks_.size(); ++index) {
    const ApplianceDisk& disk = disks_[index];
    std::string reference;
    if (!disk.href.empty()) {
      files += fmt::format("    <File ovf:id=\"file{}\" ovf:href=\"{}\" {}/>\n", index, disk.href,
                           disk.attributes);
      reference = fmt::format("ovf:fileRef=\"file{}\"", index);
    }
    disks += fmt::format(
        "    <Disk ovf:diskId=\"disk{}\" ovf:capacity=\"{}\" {} "
        "ovf:format=\"http://www.vmware.com/interfaces/specifications/"
        "vmdk.html#streamOptimized\"/>\n",
        index, disk.capacity, reference);
    items += fmt::format(
        "      <Item>\n"
        "        <rasd:AddressOnParent>{}</rasd:AddressOnParent>\n"
        "        <rasd:ElementName>Disk {}</rasd:ElementName>\n"
        "        <rasd:HostResource>ovf:/disk/disk{}</rasd:HostResource>\n"
        "        <rasd:InstanceID>{}</rasd:InstanceID>\n"
        "        <rasd:Parent>3</rasd:Parent>\n"
        "        <rasd:ResourceType>17</rasd:ResourceType>\n"
        "      </Item>\n",
        index, index, index, index + 10);
  }
  return fmt::format(fmt::runtime(kEnvelope), fmt::arg("files", files), fmt::arg("disks", disks),
                     fmt::arg("name", name_), fmt::arg("items", items));
}

std::vector<ApplianceFile> Appliance::files() const {
  std::vector<ApplianceFile> all = {{name_ + ".ovf", ovf()}};
  if (!manifest_.empty()) all.push_back({name_ + ".mf", manifest_});
  all.insert(all.end(), files_.begin(), files_.end());
  return all;
}

std::string Appliance::ova() const {
  TarBuilder tar;
  for (const ApplianceFile& file : files()) tar.file(file.name, file.content);
  return tar.finish();
}

std::string Appliance::write_ova(const TemporaryFolder& folder) const {
  return folder.write(name_ + ".ova", ova());
}

std::string Appliance::write_files(const TemporaryFolder& folder) const {
  for (const ApplianceFile& file : files()) folder.write(file.name, file.content);
  return folder / (name_ + ".ovf");
}

std::string flat_descriptor(std::string_view extent, std::uint64_t sectors) {
  return fmt::format(
      "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
      "createType=\"monolithicFlat\"\n\n# Extent description\nRW {} FLAT \"{}\" 0\n\n"
      "# The Disk Data Base\nddb.adapterType = \"lsilogic\"\n",
      sectors, extent);
}

std::string manifest_line(DigestAlgorithm algorithm, std::string_view name,
                          std::string_view content) {
  Digest digest(algorithm);
  digest.update(as_bytes(content));
  return fmt::format("{}({})= {}\n", digest_name(algorithm), name, must(digest.finish()));
}

std::string vmx_text(std::string_view name, const std::vector<std::string>& disks,
                     std::string_view more) {
  std::string text = fmt::format(
      ".encoding = \"UTF-8\"\nconfig.version = \"8\"\nvirtualHW.version = \"19\"\n"
      "displayName = \"{}\"\nguestOS = \"debian12-64\"\nmemsize = \"512\"\n"
      "scsi0.present = \"TRUE\"\nscsi0.virtualDev = \"pvscsi\"\n",
      name);
  for (std::size_t unit = 0; unit < disks.size(); ++unit) {
    text += fmt::format("scsi0:{}.present = \"TRUE\"\nscsi0:{}.fileName = \"{}\"\n", unit, unit,
                        disks[unit]);
  }
  return text + std::string(more);
}

}  // namespace vmlift::test
