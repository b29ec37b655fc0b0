#include "vmlift/package.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "disk/references.hpp"
#include "io/spooled_file.hpp"
#include "package/state.hpp"
#include "package/traces.hpp"
#include "vmlift/format.hpp"

namespace vmlift {

std::string_view package_kind_name(PackageKind kind) noexcept {
  switch (kind) {
    case PackageKind::ova:
      return "ova";
    case PackageKind::ovf:
      return "ovf";
    case PackageKind::vmx:
      return "vmx";
    case PackageKind::libvirt:
      break;
  }
  return "libvirt";
}

Result<void> Package::State::read_definition() {
  std::string dialect;
  if (contents.archive) {
    dialect = "ovf";
    kind = PackageKind::ova;
  } else {
    dialect = vm::detect_dialect(contents.definition_text, contents.definition_name);
    if (dialect == "ovf") {
      kind = PackageKind::ovf;
    } else if (dialect == "vmx") {
      kind = PackageKind::vmx;
    } else if (dialect == "libvirt") {
      kind = PackageKind::libvirt;
    } else {
      return fail(ErrorCode::UnsupportedFeature,
                  "it is no definition of a machine that vmlift reads: an OVA, OVF, VMX or libvirt "
                  "domain");
    }
  }
  vm::ParseOptions parsing{.dialect = dialect,
                           .file_name = contents.definition_name,
                           .configuration = options.configuration,
                           .limits = options.limits};
  VMLIFT_TRY(definition, vm::parse(contents.definition_text, parsing));
  return {};
}

/// The manifest is named as the definition; some exporters name it otherwise, so in an archive the
/// only .mf will do.
std::optional<std::string> Package::State::manifest_name() const {
  std::string wanted = std::string(stem_of(contents.definition_name)) + ".mf";
  if (!contents.archive) return wanted;
  std::vector<std::string> found;
  for (const PackageFile& file : contents.files) {
    if (!has_extension(file.name, ".mf") || base_name(file.name).starts_with("._")) continue;
    if (file.name == wanted) return wanted;
    found.push_back(file.name);
  }
  if (found.size() == 1) return found.front();
  return std::nullopt;
}

Result<void> Package::State::read_manifest() {
  const auto name = manifest_name();
  if (!name) return {};
  const auto file = contents.folder->open(*name);
  if (!file) {
    if (file.error().code() == ErrorCode::NotFound) return {};
    return std::unexpected(file.error());
  }
  VMLIFT_TRY(const std::string text, read_text(**file, options.limits.descriptor));
  VMLIFT_TRY(manifest, Manifest::parse(text, *name, options.limits));
  return {};
}

/// What VMware leaves beside a .vmx says more about the machine than the .vmx does.
Result<void> Package::State::look_beside() {
  const VmxTraces traces = find_vmx_traces(contents, definition);
  locks = traces.locks;
  if (definition.machines.size() != 1) return {};
  vm::Machine& machine = definition.machines.front();
  for (const std::string& name : traces.suspended_state) {
    machine.suspended = true;
    machine.warnings.push_back(
        {name, 0, "the machine's memory was suspended into this file; resume and shut it down"});
  }
  for (const std::string& name : locks) {
    machine.warnings.push_back(
        {name, 0, "a lock: the machine is running, or its host crashed while it was"});
  }
  if (!traces.snapshots || !machine.snapshots.empty()) return {};
  auto snapshots = vm::parse_snapshots(*traces.snapshots, options.limits);
  if (snapshots) {
    machine.snapshots = *std::move(snapshots);
  } else {
    machine.warnings.push_back(
        {"vmsd", 0, "the list of snapshots cannot be read: " + snapshots.error().describe()});
  }
  return {};
}

std::vector<std::string> Package::State::needed_files() const {
  std::vector<std::string> names = {contents.definition_name};
  for (const vm::Machine& machine : definition.machines) {
    for (const vm::Drive& drive : machine.disks) {
      if (!drive.source) continue;
      const auto storage = storages.find(*drive.source);
      const bool chunks = storage != storages.end() && storage->second.chunk_size;
      std::string name = chunks ? chunk_name(*drive.source, 0) : *drive.source;
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  return names;
}

Result<Package> Package::open(const std::string& location, const PackageOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  VMLIFT_TRY(state->contents, open_contents(location, options.limits));
  const auto read = [&]() -> Result<void> {
    VMLIFT_CHECK(state->read_definition());
    const bool ovf = state->kind == PackageKind::ova || state->kind == PackageKind::ovf;
    if (ovf) {
      VMLIFT_TRY(state->storages,
                 ovf_storages(state->contents.definition_text, state->options.limits));
    }
    if (!state->may_look_beside()) return {};
    if (ovf) VMLIFT_CHECK(state->read_manifest());
    if (state->kind == PackageKind::vmx) VMLIFT_CHECK(state->look_beside());
    return {};
  };
  if (auto done = read(); !done) {
    return std::unexpected(std::move(done).error().in(
        state->contents.archive ? state->contents.location_of(state->contents.definition_name)
                                : state->contents.location));
  }
  return Package(std::move(state));
}

Package::Package(std::unique_ptr<State> state) : state_(std::move(state)) {}
Package::Package(Package&&) noexcept = default;
Package& Package::operator=(Package&&) noexcept = default;
Package::~Package() = default;

PackageKind Package::kind() const { return state_->kind; }
const std::string& Package::location() const { return state_->contents.location; }
const std::string& Package::definition_name() const { return state_->contents.definition_name; }
const std::string& Package::definition_text() const { return state_->contents.definition_text; }
const vm::Definition& Package::definition() const { return state_->definition; }
const std::vector<PackageFile>& Package::files() const { return state_->contents.files; }
const std::vector<std::string>& Package::locks() const { return state_->locks; }
const std::optional<Manifest>& Package::manifest() const { return state_->manifest; }

Result<std::shared_ptr<File>> Package::State::open_stored(std::string_view name,
                                                          std::string_view purpose) const {
  return open_reference({.name = name, .kind = purpose, .location = contents.location},
                        policy_for_files(), true, contents.folder.get());
}

Result<std::shared_ptr<File>> Package::State::open_named(std::string_view name,
                                                         std::string_view purpose) const {
  const auto storage = storages.find(name);
  if (storage == storages.end()) return open_stored(name, purpose);
  auto file = open_as_it_was(
      name, storage->second, [&](std::string_view stored) { return open_stored(stored, purpose); },
      options.limits);
  if (!file) return std::unexpected(std::move(file).error().in(contents.location));
  return file;
}

Result<std::shared_ptr<File>> Package::open_file(std::string_view name) const {
  return state_->open_named(name, "file");
}

std::string Package::disk_format(const vm::Drive& drive) const {
  if (!drive.format.empty()) return drive.format;
  // libvirt takes an image whose format is not stated for raw.
  return state_->kind == PackageKind::libvirt ? "raw" : "vmdk";
}

std::string Package::disk_location(const vm::Drive& drive) const {
  return drive.source ? state_->contents.location_of(*drive.source) : std::string();
}

Result<std::unique_ptr<Disk>> Package::open_disk(const vm::Drive& drive,
                                                 OpenOptions options) const {
  if (!drive.source) {
    return fail(ErrorCode::InvalidArgument, "the disk {} is blank: it has no file",
                drive.address.text());
  }
  if (drive.backing == vm::Drive::Backing::network) {
    return std::unexpected(error(ErrorCode::UnsupportedFeature,
                                 "the disk {} lies on a server; open its location instead",
                                 drive.address.text())
                               .in(*drive.source));
  }
  if (options.format.empty()) options.format = disk_format(drive);
  if (find_format(options.format) == nullptr) {
    return std::unexpected(error(ErrorCode::UnsupportedFeature,
                                 "the disk {} is of the format '{}', which vmlift does not read",
                                 drive.address.text(), printable(options.format))
                               .in(disk_location(drive)));
  }
  options.policy = state_->options.policy;
  options.limits = state_->options.limits;
  VMLIFT_TRY(auto file, state_->open_named(*drive.source, "disk"));
  const bool raw = options.format == "raw";
  // Some exporters compress disks and do not say so. Only of a raw disk the first bytes are the
  // guest's, and there the name decides.
  auto expanded = raw ? expand_by_name(std::move(file), options.limits)
                      : expand_by_bytes(std::move(file), options.limits);
  if (!expanded) return std::unexpected(std::move(expanded).error());
  VMLIFT_TRY(auto disk, vmlift::open_disk(*std::move(expanded), options));
  if (raw && state_->storages.contains(*drive.source) && drive.capacity &&
      *drive.capacity != disk->size()) {
    return std::unexpected(error(ErrorCode::Corrupt,
                                 "the disk expands to {} bytes, its capacity is {}", disk->size(),
                                 *drive.capacity)
                               .in(disk_location(drive)));
  }
  return disk;
}

}  // namespace vmlift
