// Migration: a package becomes disks and a libvirt domain in a folder, or an OVA. First the plan,
// which reads definitions and headers and writes nothing; then the run, which is all or nothing.
//
//   auto migration = Migration::prepare("web-01.ova", {.destination = "out"});
//   to_json(migration->plan());
//   auto report = migration->run({.progress = show});
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

#include "vmlift/copy.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/error.hpp"
#include "vmlift/package.hpp"
#include "vmlift/vm.hpp"

namespace vmlift {

struct MigrationOptions {
  /// The folder that the results go into. Its parent must exist; the folder itself is created,
  /// and removed again when the migration fails. A name that ends in ".ova" is an OVA instead,
  /// of one machine: an OVF 1.x, its manifest, and streamOptimized VMDKs; the loss report goes
  /// beside it.
  std::string destination{};
  /// Where the disks go if not into the folder: another folder, which must exist; "rbd:POOL" or
  /// "rbd:POOL/NAMESPACE"; or an NBD server ("nbd://host", "nbd+unix:///?socket=PATH", nbds as
  /// well), each disk being the export of its name: what an export holds is replaced, which
  /// `overwrite` has to allow. Not with an OVA.
  std::string disk_place{};
  /// "qcow2" (when empty) or "raw"; in an OVA "vmdk", on a server its own ("rbd", "nbd").
  std::string disk_format{};
  std::map<std::string, std::string> disk_options{};  ///< as CreateOptions::options
  bool compress = false;
  bool overwrite = false;  ///< replace files of the same names

  std::string profile{};                                        ///< of the domain; empty: boot-safe
  std::map<std::string, std::string, std::less<>> decisions{};  ///< --set DECISION=VALUE
  vm::NetworkMap networks{};                                    ///< --map
  std::string configuration{};                                  ///< an OVF's deployment option

  /// Disks that are read from elsewhere than the definition says, as open_disk takes them: an
  /// NBD server that serves a VMware host's disk, for one. By the disk's address ("scsi0:0"),
  /// with the machine's name before it where a package has several ("web-01/scsi0:0").
  std::map<std::string, std::string, std::less<>> sources{};
  std::map<std::string, std::string> source_options{};  ///< of those; as OpenOptions::options

  /// Goes on although VMware's lock files say that the machine is open.
  bool ignore_locks = false;
  /// Goes on where an earlier run was interrupted. Not there yet: UnsupportedFeature.
  bool resume = false;
  /// Reads each target back and compares before it gets its name.
  bool verify = false;
  unsigned threads = 0;  ///< of each copy; 0: one for each processor

  OpenPolicy policy{};
  Limits limits{};
};

/// A disk on its way.
struct PlannedDisk {
  std::string machine;
  std::string address;  ///< "scsi0:0"
  std::string source;   ///< what open_disk takes ("web-01.ova!disk1.vmdk"); empty: blank
  std::string source_format;
  std::uint64_t capacity = 0;     ///< guest-visible bytes
  std::uint64_t stored_size = 0;  ///< bytes that the source takes where it lies; 0: not known
  std::string target;  ///< absolute path, "rbd:vms/web-01", or "/out/web-01.ova!web-01-disk1.vmdk"
  std::string target_format;
};

/// A file that is written beside the disks.
struct PlannedFile {
  std::string machine;  ///< empty: of all machines
  std::string kind;     ///< "domain", "report"; in an OVA "descriptor", "manifest", "report"
  std::string path;     ///< absolute; in an OVA as PlannedDisk::target
};

struct MigrationPlan {
  std::string package;  ///< as the caller named it
  PackageKind kind = PackageKind::ova;
  std::string destination;  ///< absolute: the folder, or the OVA
  std::vector<std::string> machines;
  std::vector<PlannedDisk> disks;
  std::vector<PlannedFile> files;
  std::optional<std::size_t> manifest_entries;  ///< absent: the package has no manifest
  vm::LossReport account;                       ///< of every key, and the decisions taken
  std::vector<vm::Concern> concerns;
};

/// What a migration is doing. `done` and `total` count bytes over the whole migration.
struct MigrationProgress {
  enum class Stage { copying, verifying, publishing };
  Stage stage = Stage::copying;
  std::size_t disk = 0;  ///< index into MigrationPlan::disks while copying
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
/// "copying", "verifying", "publishing".
std::string_view stage_name(MigrationProgress::Stage stage) noexcept;

struct MigrationRunOptions {
  std::function<void(const MigrationProgress&)> progress{};
  std::stop_token stop{};
};

struct MigratedDisk {
  std::string source;
  std::string target;
  CopyReport copy;
};

struct MigrationReport {
  std::vector<MigratedDisk> disks;
  std::vector<PlannedFile> files;             ///< written: domains and the loss report
  std::optional<Package::Verified> manifest;  ///< absent: the package has no manifest
  double seconds = 0;
};

class Migration {
 public:
  struct State;  // of the implementation

  /// Opens the package and every disk's header and plans. Writes nothing; what stands in the way
  /// of run() is among the plan's concerns as a blocker. Errors: those of Package::open, of the
  /// disks and of vm::translate; InvalidArgument for options; Exists for a target that is there
  /// already.
  static Result<Migration> prepare(const std::string& package, const MigrationOptions& options);

  Migration(Migration&&) noexcept;
  Migration& operator=(Migration&&) noexcept;
  ~Migration();

  const MigrationPlan& plan() const;
  const Package& package() const;

  /// Copies every disk, checks the manifest, and only then gives all results their names: disks,
  /// domains, the loss report last. An error or a cancel leaves the folder as it was, except
  /// that a file replaced by `overwrite` in the very last step stays replaced, as does what an NBD
  /// server holds, and that an RBD image which has its name keeps it. May be called
  /// once. Errors: Encrypted, UnsupportedFeature, InUse for machines that cannot be moved as they
  /// are; those of the disks; ChecksumMismatch, BadManifest, Cancelled, NoSpace, Exists.
  Result<MigrationReport> run(const MigrationRunOptions& options = {});

 private:
  explicit Migration(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

std::string to_json(const MigrationPlan& plan);
std::string to_json(const MigrationReport& report);

}  // namespace vmlift
