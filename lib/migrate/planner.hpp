// Makes the plan of a migration: everything is opened and decided, nothing is written.
#pragma once

#include <set>

#include "migrate/disk_place.hpp"
#include "migrate/names.hpp"
#include "migrate/state.hpp"

namespace vmlift {

/// Whether a destination is an OVA to be written, not a folder.
bool names_ova(const std::string& destination);

class Planner {
 public:
  explicit Planner(Migration::State& state)
      : state_(state),
        plan_(state.plan),
        options_(state.options),
        ova_(names_ova(options_.destination)) {}

  Result<void> plan();

 private:
  // prepare.cpp
  Result<void> plan_manifest();
  void concern(std::string machine, vm::Severity severity, std::string id, std::string key,
               std::string message, std::string action);
  void refuse(ErrorCode code, const std::string& why);
  /// What stands in the way becomes a concern of the plan and an error of the run.
  void judge();
  /// Whether run() could create everything.
  Result<void> check_targets() const;

  // plan_disks.cpp
  /// A mistyped address would leave a disk read from where the definition says.
  Result<void> check_sources() const;
  /// Where the caller has a disk read from, or nullptr.
  const std::string* source_elsewhere(const vm::Machine& machine, const vm::Drive& drive) const;
  bool one_machine() const;
  Result<void> plan_disks(const vm::Machine& machine);
  Result<void> plan_disk(const vm::Machine& machine, const vm::Drive& drive);
  vm::DiskTarget target_at_place(const PlannedDisk& planned, const vm::Drive& drive);
  vm::DiskTarget target_in_ova(const PlannedDisk& planned);
  /// Serial numbers are in the disks, which the definition's reader does not open.
  void add_serials(vm::Machine& machine, std::size_t first_disk) const;

  // plan_documents.cpp
  /// The domains, one machine at a time: sources and addresses are names within a machine.
  Result<void> translate();
  /// How `machine` is translated, whose disks begin at `next_disk`; that is moved behind them.
  vm::TranslateOptions translation_to(std::string dialect, const vm::Machine& machine,
                                      std::size_t& next_disk) const;
  void add_file(std::string machine, std::string kind, std::string_view stem,
                std::string_view extension, std::string text);
  Result<void> plan_ova();
  void add_in_ova(std::string kind, std::string_view member);
  std::string ova_stem() const;
  std::string in_ova(std::string_view member) const;

  Migration::State& state_;
  MigrationPlan& plan_;
  const MigrationOptions& options_;
  const bool ova_;
  DiskPlace place_;  // unless it is an OVA
  std::string disk_format_ = "vmdk";
  std::vector<vm::DiskTarget> targets_;  // as the definition names them; like plan_.disks
  TargetNames names_;
};

}  // namespace vmlift
