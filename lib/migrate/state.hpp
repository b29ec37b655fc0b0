// What a Migration holds between its plan and its run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/ova_target.hpp"
#include "vmlift/migrate.hpp"

namespace vmlift {

/// Where the destination is an OVA: its descriptor is written when the sizes of its disks are
/// known.
struct OvaPlan {
  OvaHead head;
  vm::TranslateOptions translation;
};

struct Migration::State {
  explicit State(Package opened) : package(std::move(opened)) {}

  /// How a planned disk is created: the plan asks whether it can be, the run does it.
  CreateOptions creation_of(const PlannedDisk& disk) const {
    CreateOptions creation{.size = disk.capacity,
                           .options = options.disk_options,
                           .compress = options.compress,
                           .overwrite = options.overwrite,
                           .limits = options.limits};
    if (ova) creation.options["subformat"] = "streamOptimized";
    return creation;
  }

  Package package;
  MigrationOptions options;
  MigrationPlan plan;
  /// The sources, open since the plan so that what runs is what was planned; null for a blank
  /// disk. In the order of plan.disks.
  std::vector<std::unique_ptr<Disk>> sources;
  std::optional<OvaPlan> ova;
  /// What plan.files will hold, in the same order. Not of those inside an OVA.
  std::vector<std::string> contents;
  /// Bytes that the manifest covers.
  std::uint64_t manifest_bytes = 0;
  /// Why run() must not begin.
  std::optional<Error> refusal;
  bool ran = false;
};

}  // namespace vmlift
