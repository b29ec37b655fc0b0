// The plan of a migration: everything is opened and decided, nothing is written.
#include <algorithm>
#include <filesystem>
#include <set>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/printable.hpp"
#include "io/folder.hpp"
#include "migrate/names.hpp"
#include "migrate/state.hpp"

namespace vmlift {
namespace {

namespace fs = std::filesystem;

/// Whether a destination is an OVA to be written, not a folder.
bool names_ova(const std::string& destination) {
  std::string extension = fs::path(destination).extension().string();
  for (char& c : extension) c = static_cast<char>(c | 0x20);  // letters to lower case
  return extension == ".ova" && !fs::is_directory(destination);
}

Result<void> check_options(const MigrationOptions& options) {
  if (options.destination.empty()) {
    return fail(ErrorCode::InvalidArgument, "a migration needs a folder to write to");
  }
  const std::string& format = options.disk_format;
  if (names_ova(options.destination)) {
    if (!format.empty() && format != "vmdk")
      return fail(ErrorCode::InvalidArgument, "the disks of an OVA are VMDKs, not '{}'", format);
  } else if (!format.empty() && format != "qcow2" && format != "raw") {
    return fail(ErrorCode::InvalidArgument, "a migration writes qcow2 or raw disks, not '{}'",
                format);
  }
  if (options.compress && options.disk_format == "raw") {
    return fail(ErrorCode::InvalidArgument, "raw disks cannot be compressed");
  }
  if (options.resume) {
    return fail(ErrorCode::UnsupportedFeature,
                "an interrupted migration leaves nothing to resume; run it again");
  }
  return {};
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

/// The file name of a source, whatever it is a path of.
std::string_view stem_of_source(std::string_view source) {
  std::string_view name = source.substr(source.find_last_of("/\\") + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

/// Tar holds names of 100 bytes; this one is continued by "-disk99.vmdk".
constexpr std::size_t kOvaStem = 80;

/// The member's name in "/out/web-01.ova!web-01-disk1.vmdk".
std::string_view member_of(std::string_view target) { return target.substr(target.rfind('!') + 1); }

/// Bytes that the disk takes where it lies; a member of an OVA has no file system of its own.
std::uint64_t stored_size(const Disk& disk, const Package& package, const std::string& source) {
  const auto info = disk.info();
  if (info && info->stored_size) return *info->stored_size;
  const auto& files = package.files();
  const auto member = std::ranges::find(files, source, &PackageFile::name);
  return member == files.end() ? 0 : member->size;
}

/// The serial number that VMware shows the guest (disk.EnableUUID): the VMDK's own UUID, bare.
std::string serial_of(const Disk& disk) {
  const auto info = disk.info();
  if (!info) return {};
  const auto uuid =
      std::ranges::find(info->details, "ddb.uuid", &std::pair<std::string, std::string>::first);
  if (uuid == info->details.end()) return {};
  std::string serial;
  for (const char c : uuid->second)
    if (c != ' ' && c != '-') serial += c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c;
  return serial;
}

class Planner {
 public:
  explicit Planner(Migration::State& state)
      : state_(state),
        plan_(state.plan),
        options_(state.options),
        ova_(names_ova(options_.destination)),
        disk_format_(ova_                           ? "vmdk"
                     : options_.disk_format.empty() ? "qcow2"
                                                    : options_.disk_format) {}

  Result<void> plan() {
    plan_.package = state_.package.location();
    plan_.kind = state_.package.kind();
    VMLIFT_TRY(plan_.destination, absolute_destination(options_.destination));
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

 private:
  Result<void> plan_manifest() {
    const auto& manifest = state_.package.manifest();
    if (!manifest) return {};
    plan_.manifest_entries = manifest->entries.size();
    Package::VerifyOptions look;
    look.hash = false;
    VMLIFT_TRY(const Package::Verified listed, state_.package.verify_manifest(look));
    state_.manifest_bytes = listed.bytes;
    for (const std::string& name : listed.unlisted) {
      concern({}, vm::Severity::warning, "manifest.unlisted", name,
              fmt::format("{} does not list '{}': nothing says whether it is intact",
                          manifest->name, printable(name)),
              "check the file in another way");
    }
    return {};
  }

  void concern(std::string machine, vm::Severity severity, std::string id, std::string key,
               std::string message, std::string action) {
    plan_.concerns.push_back({std::move(machine), severity, std::move(id), std::move(key),
                              std::move(message), std::move(action)});
  }

  void refuse(ErrorCode code, const std::string& why) {
    if (!state_.refusal) state_.refusal = error(code, "{}", why).in(state_.package.location());
  }

  /// What stands in the way becomes a concern of the plan and an error of the run.
  void judge() {
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

  Result<void> plan_disks(const vm::Machine& machine) {
    std::set<std::string_view> seen;
    for (const vm::Drive& drive : machine.disks) {
      if (drive.source && !seen.insert(*drive.source).second) {
        const bool vmx = plan_.kind == PackageKind::vmx;
        return std::unexpected(error(vmx ? ErrorCode::BadVmx : ErrorCode::BadOvf,
                                     "the machine '{}' has the disk '{}' twice",
                                     printable(machine.identity.name), printable(*drive.source))
                                   .in(state_.package.location()));
      }
      VMLIFT_CHECK(plan_disk(machine, drive));
    }
    return {};
  }

  Result<void> plan_disk(const vm::Machine& machine, const vm::Drive& drive) {
    PlannedDisk planned;
    planned.machine = machine.identity.name;
    planned.address = drive.address.text();
    planned.source = state_.package.disk_location(drive);
    std::unique_ptr<Disk> source;
    if (drive.source) {
      planned.source_format = state_.package.disk_format(drive);
      VMLIFT_TRY(source, state_.package.open_disk(drive));
      planned.capacity = source->size();
      planned.stored_size = stored_size(*source, state_.package, *drive.source);
      if (drive.capacity && *drive.capacity != planned.capacity) {
        concern(planned.machine, vm::Severity::warning, "disk.capacity", planned.address,
                fmt::format("the definition says {} bytes, the disk itself {}", *drive.capacity,
                            planned.capacity),
                "the disk is right: nothing to do unless the guest expects more room");
      }
    } else if (drive.capacity) {
      planned.capacity = *drive.capacity;
    } else {
      return std::unexpected(error(ErrorCode::BadOvf,
                                   "the disk {} of '{}' has neither a file nor "
                                   "a capacity",
                                   planned.address, printable(planned.machine))
                                 .in(state_.package.location()));
    }
    planned.target_format = disk_format_;
    planned.target = ova_ ? target_in_ova() : target_in_folder(planned, drive);
    if (ova_) {
      // A VMDK has whole sectors.
      const auto whole = checked_multiply<std::uint64_t>(units_for(planned.capacity, 512), 512);
      if (!whole) return fail(ErrorCode::BadOvf, "the disk {} is too large", planned.address);
      planned.capacity = *whole;
    }
    plan_.disks.push_back(std::move(planned));
    state_.sources.push_back(std::move(source));
    return {};
  }

  std::string target_in_folder(const PlannedDisk& planned, const vm::Drive& drive) {
    const std::string blank = fmt::format("{}-{}", planned.machine, planned.address);
    return fmt::format(
        "{}/{}", plan_.destination,
        names_.take(drive.source ? stem_of_source(*drive.source) : std::string_view(blank),
                    "." + disk_format_));
  }

  // An OVA: its names are made of its own, which tar holds. A blank disk gets a
  // file too, of zeros: an OVF may do without, but virt-v2v cannot.

  std::string ova_stem() const {
    return plain_file_name(stem_of_source(plan_.destination)).substr(0, kOvaStem);
  }
  std::string in_ova(std::string_view member) const {
    return fmt::format("{}!{}", plan_.destination, member);
  }
  std::string target_in_ova() {
    return in_ova(fmt::format("{}-disk{}.vmdk", ova_stem(), ++ova_disks_));
  }

  Result<void> plan_ova() {
    const vm::Definition& definition = state_.package.definition();
    if (definition.machines.size() != 1) {
      return std::unexpected(
          error(ErrorCode::UnsupportedFeature,
                "an OVA is written of one machine, this package defines {}; migrate to a folder",
                definition.machines.size())
              .in(state_.package.location()));
    }
    OvaPlan ova{.head = {.descriptor = ova_stem() + ".ovf", .manifest = ova_stem() + ".mf"},
                .translation = ova_translation(definition.machines.front())};
    // The longest that it can become: no size has more digits.
    for (auto& [address, target] : ova.translation.disks) target.stored_size = UINT64_MAX;
    VMLIFT_TRY(vm::Translation translation, vm::translate(definition, ova.translation));
    ova.head.descriptor_room = translation.documents.front().text.size();
    const std::string no_digest(64, '0');
    ova.head.manifest_room = manifest_line(ova.head.descriptor, no_digest).size();
    for (const PlannedDisk& disk : plan_.disks) {
      ova.head.manifest_room += manifest_line(member_of(disk.target), no_digest).size();
    }
    plan_.account = std::move(translation.report);
    add_in_ova("descriptor", ova.head.descriptor);
    add_in_ova("manifest", ova.head.manifest);
    const std::string folder = fs::path(plan_.destination).parent_path().string();
    plan_.files.push_back({{}, "report", fmt::format("{}/{}.loss.json", folder, ova_stem())});
    state_.contents.push_back(vm::to_json(plan_.account));
    state_.ova = std::move(ova);
    return {};
  }

  void add_in_ova(std::string kind, std::string_view member) {
    plan_.files.push_back({plan_.machines.front(), std::move(kind), in_ova(member)});
    state_.contents.emplace_back();
  }

  vm::TranslateOptions ova_translation(const vm::Machine& machine) const {
    vm::TranslateOptions translation;
    translation.dialect = "ovf";
    translation.profile = options_.profile;
    translation.decisions = options_.decisions;
    translation.networks = options_.networks;
    for (std::size_t at = 0; at < machine.disks.size(); ++at) {
      const PlannedDisk& planned = plan_.disks[at];
      translation.disks.emplace(planned.address,
                                vm::DiskTarget{.path = std::string(member_of(planned.target)),
                                               .format = planned.target_format,
                                               .capacity = planned.capacity,
                                               .stored_size = {}});
    }
    return translation;
  }

  /// The domains, one machine at a time: sources and addresses are names within a machine.
  Result<void> translate() {
    const vm::Definition& whole = state_.package.definition();
    std::size_t next_disk = 0;
    for (std::size_t index = 0; index < whole.machines.size(); ++index) {
      vm::Definition single = whole;
      single.machines = {whole.machines[index]};
      if (index > 0) single.keys.clear();  // those of the document are told once
      add_serials(single.machines.front(), next_disk);
      VMLIFT_TRY(vm::Translation translation,
                 vm::translate(single, translation_options(single.machines.front(), next_disk)));
      for (vm::Document& document : translation.documents) {
        add_file(document.machine, "domain", stem_of_source(document.file_name), ".xml",
                 std::move(document.text));
      }
      std::ranges::move(translation.report.entries, std::back_inserter(plan_.account.entries));
      std::ranges::move(translation.report.decisions, std::back_inserter(plan_.account.decisions));
    }
    const bool one = plan_.machines.size() == 1;
    add_file({}, "report",
             one ? std::string_view(plan_.machines.front())
                 : stem_of_source(state_.package.definition_name()),
             ".loss.json", vm::to_json(plan_.account));
    return {};
  }

  /// Serial numbers are in the disks, which the definition's reader does not open.
  void add_serials(vm::Machine& machine, std::size_t first_disk) const {
    if (!machine.disks_show_uuids) return;
    for (vm::Drive& drive : machine.disks) {
      const std::unique_ptr<Disk>& disk = state_.sources[first_disk++];
      if (drive.serial.empty() && disk != nullptr) drive.serial = serial_of(*disk);
    }
  }

  vm::TranslateOptions translation_options(const vm::Machine& machine, std::size_t& next_disk) {
    vm::TranslateOptions translation;
    translation.dialect = "libvirt";
    translation.profile = options_.profile;
    translation.decisions = options_.decisions;
    translation.networks = options_.networks;
    translation.disk_directory = plan_.destination;
    translation.disk_format = disk_format_;
    for (const vm::Drive& drive : machine.disks) {
      const PlannedDisk& planned = plan_.disks[next_disk++];
      const vm::DiskTarget target{.path = planned.target,
                                  .format = planned.target_format,
                                  .capacity = planned.capacity,
                                  .stored_size = {}};
      translation.disks.emplace(drive.address.text(), target);
    }
    return translation;
  }

  void add_file(std::string machine, std::string kind, std::string_view stem,
                std::string_view extension, std::string text) {
    const std::string path = fmt::format("{}/{}", plan_.destination, names_.take(stem, extension));
    plan_.files.push_back({std::move(machine), std::move(kind), path});
    state_.contents.push_back(std::move(text));
  }

  Result<void> check_targets() const {
    std::vector<std::string> paths;
    if (ova_) {
      paths = {plan_.destination,
               plan_.files.empty() ? plan_.destination : plan_.files.back().path};
    } else {
      for (const PlannedDisk& disk : plan_.disks) paths.push_back(disk.target);
      for (const PlannedFile& file : plan_.files) paths.push_back(file.path);
    }
    for (const std::string& path : paths) {
      std::error_code ignored;
      const fs::file_status status = fs::symlink_status(path, ignored);
      if (fs::exists(status) && !options_.overwrite) {
        return std::unexpected(
            error(ErrorCode::Exists, "the target exists already; --overwrite replaces it")
                .in(path));
      }
    }
    return {};
  }

  Migration::State& state_;
  MigrationPlan& plan_;
  const MigrationOptions& options_;
  const bool ova_;
  const std::string disk_format_;
  TargetNames names_;
  std::size_t ova_disks_ = 0;
};

}  // namespace

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
