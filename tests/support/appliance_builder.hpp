// Appliances made of text: an OVF, its disks, its manifest, packed as an OVA or laid out in a
// folder. Each part can be changed before it is packed, to be right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_folder.hpp"
#include "vmlift/digest.hpp"

namespace vmlift::test {

struct ApplianceFile {
  std::string name;
  std::string content;
};

struct ApplianceDisk {
  std::string href;
  std::uint64_t capacity = 0;  ///< bytes, as the OVF says
  std::string attributes{};    ///< more of the OVF's File element: ovf:compression="gzip"
};

class Appliance {
 public:
  explicit Appliance(std::string name) : name_(std::move(name)) {}

  /// A disk that the OVF names; its files are added apart.
  Appliance& disk(ApplianceDisk disk);
  Appliance& blank_disk(std::uint64_t capacity);
  Appliance& file(std::string_view name, std::string_view content);
  /// A flat VMDK named `stem`.vmdk: a descriptor and the bytes beside it.
  Appliance& flat_disk(const std::string& stem, std::string_view bytes);
  /// Lists every file so far, the OVF first.
  Appliance& manifest(DigestAlgorithm algorithm = DigestAlgorithm::sha256);
  /// A manifest of the test's own.
  Appliance& manifest_text(std::string_view text);

  std::string ovf() const;
  /// The .ovf, the manifest, then the files in their order.
  std::vector<ApplianceFile> files() const;
  std::string ova() const;
  /// Writes NAME.ova into the folder; returns its path.
  std::string write_ova(const TemporaryFolder& folder) const;
  /// Writes the files one by one; returns the path of the .ovf.
  std::string write_files(const TemporaryFolder& folder) const;

 private:
  std::string name_;
  std::vector<ApplianceDisk> disks_;
  std::vector<ApplianceFile> files_;
  std::string manifest_;
};

/// The descriptor of a flat VMDK of `sectors` in the file `extent`.
std::string flat_descriptor(std::string_view extent, std::uint64_t sectors);
/// `SHA256(name)= hex` and a line feed.
std::string manifest_line(DigestAlgorithm algorithm, std::string_view name,
                          std::string_view content);
/// A VMX that names these disks on scsi0.
std::string vmx_text(std::string_view name, const std::vector<std::string>& disks,
                     std::string_view more = {});

}  // namespace vmlift::test
