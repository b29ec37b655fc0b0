// The plan of a migration: where each disk comes from and where it goes.
#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/printable.hpp"
#include "migrate/planner.hpp"

namespace vmlift {
namespace {

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

}  // namespace

Result<void> Planner::check_sources() const {
  std::set<std::string, std::less<>> known;
  std::string list;
  for (const vm::Machine& machine : state_.package.definition().machines) {
    for (const vm::Drive& drive : machine.disks) {
      const std::string address = drive.address.text();
      std::string whole = fmt::format("{}/{}", machine.identity.name, address);
      list +=
          fmt::format("{}{}", list.empty() ? "" : ", ", printable(one_machine() ? address : whole));
      if (one_machine()) known.insert(address);
      known.insert(std::move(whole));
    }
  }
  for (const auto& [name, location] : options_.sources) {
    if (known.contains(name)) continue;
    return fail(ErrorCode::InvalidArgument, "there is no disk '{}' to read from '{}'; there is {}",
                printable(name), printable(location), list.empty() ? "none" : list);
  }
  return {};
}

const std::string* Planner::source_elsewhere(const vm::Machine& machine,
                                             const vm::Drive& drive) const {
  const std::string address = drive.address.text();
  auto found = options_.sources.find(fmt::format("{}/{}", machine.identity.name, address));
  if (found == options_.sources.end() && one_machine()) found = options_.sources.find(address);
  return found == options_.sources.end() ? nullptr : &found->second;
}

bool Planner::one_machine() const { return state_.package.definition().machines.size() == 1; }

Result<void> Planner::plan_disks(const vm::Machine& machine) {
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

Result<void> Planner::plan_disk(const vm::Machine& machine, const vm::Drive& drive) {
  PlannedDisk planned;
  planned.machine = machine.identity.name;
  planned.address = drive.address.text();
  planned.source = state_.package.disk_location(drive);
  std::unique_ptr<Disk> source;
  if (const std::string* const elsewhere = source_elsewhere(machine, drive)) {
    planned.source = *elsewhere;
    VMLIFT_TRY(source, open_disk(*elsewhere, {.policy = options_.policy,
                                              .limits = options_.limits,
                                              .options = options_.source_options}));
  } else if (drive.source) {
    VMLIFT_TRY(source, state_.package.open_disk(drive));
  }
  if (source) {
    planned.source_format = source->format().name;
    planned.capacity = source->size();
    planned.stored_size = stored_size(*source, state_.package, drive.source.value_or(""));
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
  if (ova_) {
    // A VMDK has whole sectors.
    const auto whole = checked_multiply<std::uint64_t>(units_for(planned.capacity, 512), 512);
    if (!whole) return fail(ErrorCode::BadOvf, "the disk {} is too large", planned.address);
    planned.capacity = *whole;
    targets_.push_back(target_in_ova(planned));
    planned.target = in_ova(targets_.back().path);
  } else {
    targets_.push_back(target_at_place(planned, drive));
    planned.target = targets_.back().path;
  }
  plan_.disks.push_back(std::move(planned));
  state_.sources.push_back(std::move(source));
  return {};
}

vm::DiskTarget Planner::target_at_place(const PlannedDisk& planned, const vm::Drive& drive) {
  const std::string blank = fmt::format("{}-{}", planned.machine, planned.address);
  const std::string name =
      names_.take(drive.source ? stem_of_source(*drive.source) : std::string_view(blank),
                  place_.on_a_server() ? "" : "." + disk_format_);
  vm::DiskTarget target = place_.target(name);
  if (!place_.on_a_server()) target.format = disk_format_;
  target.capacity = planned.capacity;
  return target;
}

vm::DiskTarget Planner::target_in_ova(const PlannedDisk& planned) {
  return {.path = fmt::format("{}-disk{}.vmdk", ova_stem(), targets_.size() + 1),
          .format = planned.target_format,
          .capacity = planned.capacity};
}

void Planner::add_serials(vm::Machine& machine, std::size_t first_disk) const {
  if (!machine.disks_show_uuids) return;
  for (vm::Drive& drive : machine.disks) {
    const std::unique_ptr<Disk>& disk = state_.sources[first_disk++];
    if (drive.serial.empty() && disk != nullptr) drive.serial = serial_of(*disk);
  }
}

}  // namespace vmlift
