// The plan of a migration: what is asked, what stands in the way, what is there already.
#include <algorithm>
#include <filesystem>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "disk/check_target.hpp"
#include "io/target.hpp"
#include "migrate/planner.hpp"

namespace vmlift {
namespace {

namespace fs = std::filesystem;

Result<void> check_options(const MigrationOptions& options) {
  if (options.destination.empty()) {
    return fail(ErrorCode::InvalidArgument, "a migration needs a folder to write to");
  }
  if (const auto place = DiskPlace::parse(options.destination); place && place->on_a_server()) {
    return fail(
        ErrorCode::InvalidArgument,
        "'{}' has no room for a definition: name a folder, and this as the place of the disks",
        printable(options.destination));
  }
  const std::string& format = options.disk_format;
  if (names_ova(options.destination)) {
    if (!format.empty() && format != "vmdk")
      return fail(ErrorCode::InvalidArgument, "the disks of an OVA are VMDKs, not '{}'", format);
    if (options.disk_options.contains("subformat"))
      return fail(ErrorCode::InvalidArgument, "the disks of an OVA are always streamOptimized");
    if (!options.disk_place.empty())
      return fail(ErrorCode::InvalidArgument, "the disks of an OVA are in it, not in '{}'",
                  printable(options.disk_place));
  }
  if (options.resume) {
    return fail(ErrorCode::UnsupportedFeature,
                "an interrupted migration leaves nothing to resume; run it again");
  }
  return {};
}

/// The format of the disks at `place`.
Result<std::string> format_at(const DiskPlace& place, const MigrationOptions& options) {
  const std::string& wanted = options.disk_format;
  const std::string_view its_own = place.format();
  if (place.on_a_server()) {
    if (!wanted.empty() && wanted != "raw" && wanted != its_own) {
      return fail(ErrorCode::InvalidArgument, "disks at '{}' are raw, not '{}'",
                  printable(options.disk_place), printable(wanted));
    }
  } else if (!wanted.empty() && wanted != "qcow2" && wanted != "raw") {
    return fail(ErrorCode::InvalidArgument, "a migration writes qcow2 or raw disks, not '{}'",
                printable(wanted));
  }
  if (options.compress && (place.on_a_server() || wanted == "raw"))
    return fail(ErrorCode::InvalidArgument, "raw disks cannot be compressed");
  return place.on_a_server() ? std::string(its_own) : wanted.empty() ? "qcow2" : wanted;
}

Result<DiskPlace> place_of_disks(const MigrationOptions& options, const std::string& destination) {
  if (options.disk_place.empty()) return DiskPlace::parse(destination);
  VMLIFT_TRY(DiskPlace place, DiskPlace::parse(options.disk_place));
  if (place.on_a_server()) return place;
  std::error_code problem;
  const fs::path folder = fs::absolute(options.disk_place, problem).lexically_normal();
  if (problem) return std::unexpected(os_error(problem.value(), "finding it").in(folder.string()));
  if (!fs::is_directory(folder, problem)) {
    return std::unexpected(
        error(ErrorCode::NotFound, "the disks are to go there, and it is no folder")
            .in(folder.string()));
  }
  return DiskPlace::parse(folder.string());
}

Result<std::string> absolute_destination(const std::string& destination) {
  std::error_code problem;
  fs::path path = fs::absolute(destination, problem).lexically_normal();
  if (problem) return std::unexpected(os_error(problem.value(), "finding it").in(destination));
  if (!path.has_filename()) path = path.parent_path();  // "out/"
  const fs::file_status status = fs::status(path, problem);
  if (fs::exists(status) && !names_ova(destination)) {
    if (fs::is_directory(status)) return path.string();
    return std::unexpected(
        error(ErrorCode::InvalidArgument, "the destination is no folder").in(path.string()));
  }
  if (!fs::is_directory(path.parent_path(), problem)) {
    return std::unexpected(error(ErrorCode::NotFound, "the destination's parent does not exist")
                               .in(path.parent_path().string()));
  }
  return path.string();
}

}  // namespace

bool names_ova(const std::string& destination) {
  std::string extension = fs::path(destination).extension().string();
  for (char& c : extension) c = static_cast<char>(c | 0x20);  // letters to lower case
  return extension == ".ova" && !fs::is_directory(destination);
}

Result<void> Planner::plan() {
  plan_.package = state_.package.location();
  plan_.kind = state_.package.kind();
  VMLIFT_TRY(plan_.destination, absolute_destination(options_.destination));
  VMLIFT_TRY(place_, place_of_disks(options_, plan_.destination));
  if (!ova_) {
    VMLIFT_TRY(disk_format_, format_at(place_, options_));
  }
  VMLIFT_CHECK(check_sources());
  VMLIFT_CHECK(plan_manifest());
  judge();
  for (const vm::Machine& machine : state_.package.definition().machines) {
    plan_.machines.push_back(machine.identity.name);
    VMLIFT_CHECK(plan_disks(machine));
  }
  if (plan_.machines.empty()) {
    return std::unexpected(
        error(ErrorCode::BadOvf, "it defines no machine").in(state_.package.location()));
  }
  if (!state_.refusal) VMLIFT_CHECK(ova_ ? plan_ova() : translate());
  return check_targets();
}

Result<void> Planner::plan_manifest() {
  const auto& manifest = state_.package.manifest();
  if (!manifest) return {};
  plan_.manifest_entries = manifest->entries.size();
  Package::VerifyOptions look;
  look.hash = false;
  VMLIFT_TRY(const Package::Verified listed, state_.package.verify_manifest(look));
  state_.manifest_bytes = listed.bytes;
  for (const std::string& name : listed.unlisted) {
    concern({}, vm::Severity::warning, "manifest.unlisted", name,
            fmt::format("{} does not list '{}': nothing says whether it is intact", manifest->name,
                        printable(name)),
            "check the file in another way");
  }
  return {};
}

void Planner::concern(std::string machine, vm::Severity severity, std::string id, std::string key,
                      std::string message, std::string action) {
  plan_.concerns.push_back({std::move(machine), severity, std::move(id), std::move(key),
                            std::move(message), std::move(action)});
}

void Planner::refuse(ErrorCode code, const std::string& why) {
  if (!state_.refusal) state_.refusal = error(code, "{}", why).in(state_.package.location());
}

void Planner::judge() {
  const vm::Definition& definition = state_.package.definition();
  for (const vm::Machine& machine : definition.machines) {
    const std::string name = printable(machine.identity.name);
    if (machine.encrypted) {
      refuse(ErrorCode::Encrypted, fmt::format("the machine '{}' is encrypted; remove the "
                                               "encryption in VMware first",
                                               name));
    }
    if (machine.suspended) {
      refuse(ErrorCode::UnsupportedFeature,
             fmt::format("the machine '{}' is suspended: its disks are in the middle of what it "
                         "was doing; resume it and shut it down",
                         name));
    }
  }
  const auto& locks = state_.package.locks();
  if (!locks.empty() && !options_.ignore_locks) {
    const std::string why = fmt::format("'{}' says that the machine is running", locks.front());
    concern({}, vm::Severity::blocker, "machine.locked", locks.front(), why,
            "shut the machine down; ignore the lock if its host crashed");
    refuse(ErrorCode::InUse, why + "; shut it down, or ignore the locks if its host crashed");
  }
  // Other blockers (a device of the host, a shared bus) are for people to judge: the loss report
  // says what became of them, and the disks can be copied all the same.
  std::ranges::move(vm::assess(definition), std::back_inserter(plan_.concerns));
}

Result<void> Planner::check_targets() const {
  for (const PlannedDisk& disk : plan_.disks) {
    VMLIFT_CHECK(check_target(disk.target, disk.target_format, state_.creation_of(disk)));
  }
  if (ova_) VMLIFT_CHECK(check_vacant(plan_.destination, options_.overwrite));
  for (const PlannedFile& file : plan_.files) {
    VMLIFT_CHECK(check_vacant(file.path, options_.overwrite));
  }
  return {};
}

Migration::Migration(std::unique_ptr<State> state) : state_(std::move(state)) {}
Migration::Migration(Migration&&) noexcept = default;
Migration& Migration::operator=(Migration&&) noexcept = default;
Migration::~Migration() = default;

const MigrationPlan& Migration::plan() const { return state_->plan; }
const Package& Migration::package() const { return state_->package; }

Result<Migration> Migration::prepare(const std::string& location, const MigrationOptions& options) {
  VMLIFT_CHECK(check_options(options));
  VMLIFT_TRY(Package package, Package::open(location, {.configuration = options.configuration,
                                                       .policy = options.policy,
                                                       .limits = options.limits}));
  auto state = std::make_unique<State>(std::move(package));
  state->options = options;
  VMLIFT_CHECK(Planner(*state).plan());
  return Migration(std::move(state));
}

}  // namespace vmlift
