// Package: a machine's definition and its disks as one thing, read in place: an OVA, an OVF or VMX
// beside its files, a libvirt domain beside its images. Nothing is ever unpacked.
//
//   auto package = Package::open("web-01.ova");
//   for (auto& machine : package->definition().machines)
//     for (auto& drive : machine.disks) auto disk = package->open_disk(drive);
//   package->verify_manifest();
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vmlift/digest.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/error.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"
#include "vmlift/vm.hpp"

namespace vmlift {

enum class PackageKind { ova, ovf, vmx, libvirt };
/// "ova", "ovf", "vmx", "libvirt".
std::string_view package_kind_name(PackageKind kind) noexcept;

/// One line of a manifest: `SHA256(disk1.vmdk)= 0123...`.
struct ManifestEntry {
  std::string file;
  DigestAlgorithm algorithm = DigestAlgorithm::sha256;
  std::string digest;  ///< lower-case hex
};

/// The .mf of a package: what each file's digest must be.
struct Manifest {
  std::string name;  ///< of the .mf itself
  std::vector<ManifestEntry> entries;

  /// Reads a manifest: any case, spaces where people put them, CRLF, "SHA-256". Two different
  /// digests for one file are refused. Errors: BadManifest naming the line, Limit.
  static Result<Manifest> parse(std::string_view text, std::string name, const Limits& limits = {});
};

struct PackageOptions {
  /// An OVF's deployment option; empty: its default.
  std::string configuration{};
  OpenPolicy policy{};
  Limits limits{};
};

/// A file of a package. `name` is relative to the definition, as references name it.
struct PackageFile {
  std::string name;
  std::uint64_t size = 0;
};

class Package {
 public:
  /// Opens what `location` names: an .ova, .ovf, .vmx or libvirt .xml, or a folder with exactly
  /// one .ovf or .vmx in it. The content decides what it is, not the name. Errors: NotFound,
  /// BadArchive, Truncated, BadManifest, BadOvf, BadVmx, BadXml, Limit, UnsupportedFeature.
  static Result<Package> open(const std::string& location, const PackageOptions& options = {});

  Package(Package&&) noexcept;
  Package& operator=(Package&&) noexcept;
  ~Package();

  PackageKind kind() const;
  /// As it was opened; for a folder, the definition found in it.
  const std::string& location() const;

  /// The name of the definition ("web-01.ovf") and its text as it stands.
  const std::string& definition_name() const;
  const std::string& definition_text() const;
  /// The definition with what the files beside it add: snapshots (.vmsd), suspended state
  /// (.vmss), locks.
  const vm::Definition& definition() const;

  /// The members of an OVA in their order; empty for the other kinds, whose files are looked up
  /// by name when they are opened.
  const std::vector<PackageFile>& files() const;
  /// VMware's lock files beside a .vmx: somebody has the machine open, or had when it crashed.
  const std::vector<std::string>& locks() const;

  /// Opens a file of the package by the name a definition gives it. Errors: ReferenceDenied for
  /// `..`, an absolute path, a URL; MissingExtent for a file that is not there.
  Result<std::shared_ptr<File>> open_file(std::string_view name) const;
  /// Opens the disk of a drive. `options.format` empty: the definition's word, a VMDK for a
  /// VMware definition that says nothing; never probed. The policy and limits are the package's.
  /// Errors: as open_file and vmlift::open_disk; InvalidArgument for a blank disk.
  Result<std::unique_ptr<Disk>> open_disk(const vm::Drive& drive, OpenOptions options = {}) const;
  /// What open_disk(location) would take for a drive ("web-01.ova!disk1.vmdk"); empty for a
  /// blank disk.
  std::string disk_location(const vm::Drive& drive) const;
  /// The format that a drive's image is taken to be of ("vmdk").
  std::string disk_format(const vm::Drive& drive) const;

  /// The manifest, where the package has one.
  const std::optional<Manifest>& manifest() const;

  struct VerifyOptions {
    /// Bytes hashed so far and in all.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress{};
    std::stop_token stop{};
    /// False: only looks that every listed file is there.
    bool hash = true;
  };
  struct Verified {
    std::size_t files = 0;    ///< that the manifest lists
    std::uint64_t bytes = 0;  ///< in them
    /// Files that the definition or its disks need and the manifest does not list.
    std::vector<std::string> unlisted;
  };
  /// Hashes every file that the manifest lists. A package without manifest is verified at once,
  /// with `files` 0. Errors: ChecksumMismatch naming the file and both digests; BadManifest for
  /// an entry that is no file of the package; Cancelled.
  Result<Verified> verify_manifest(const VerifyOptions& options) const;
  Result<Verified> verify_manifest() const { return verify_manifest(VerifyOptions{}); }

 private:
  struct State;
  explicit Package(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vmlift
