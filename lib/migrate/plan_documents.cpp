// The plan of a migration: the definitions and the account that are written beside the disks.
#include <algorithm>
#include <filesystem>

#include "base/fail.hpp"
#include "migrate/planner.hpp"

namespace vmlift {
namespace {

namespace fs = std::filesystem;

/// Tar holds names of 100 bytes; this one is continued by "-disk99.vmdk".
constexpr std::size_t kOvaStem = 80;

}  // namespace

Result<void> Planner::translate() {
  const vm::Definition& whole = state_.package.definition();
  std::size_t next_disk = 0;
  for (std::size_t index = 0; index < whole.machines.size(); ++index) {
    vm::Definition single = whole;
    single.machines = {whole.machines[index]};
    if (index > 0) single.keys.clear();  // those of the document are told once
    add_serials(single.machines.front(), next_disk);
    VMLIFT_TRY(
        vm::Translation translation,
        vm::translate(single, translation_to("libvirt", single.machines.front(), next_disk)));
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

vm::TranslateOptions Planner::translation_to(std::string dialect, const vm::Machine& machine,
                                             std::size_t& next_disk) const {
  vm::TranslateOptions translation;
  translation.dialect = std::move(dialect);
  translation.profile = options_.profile;
  translation.decisions = options_.decisions;
  translation.networks = options_.networks;
  for (const vm::Drive& drive : machine.disks)
    translation.disks.emplace(drive.address.text(), targets_[next_disk++]);
  return translation;
}

void Planner::add_file(std::string machine, std::string kind, std::string_view stem,
                       std::string_view extension, std::string text) {
  const std::string path = fmt::format("{}/{}", plan_.destination, names_.take(stem, extension));
  plan_.files.push_back({std::move(machine), std::move(kind), path});
  state_.contents.push_back(std::move(text));
}

Result<void> Planner::plan_ova() {
  const vm::Definition& definition = state_.package.definition();
  if (definition.machines.size() != 1) {
    return std::unexpected(
        error(ErrorCode::UnsupportedFeature,
              "an OVA is written of one machine, this package defines {}; migrate to a folder",
              definition.machines.size())
            .in(state_.package.location()));
  }
  std::size_t next_disk = 0;
  OvaPlan ova{.head = {.descriptor = ova_stem() + ".ovf", .manifest = ova_stem() + ".mf"},
              .translation = translation_to("ovf", definition.machines.front(), next_disk)};
  // The longest that it can become: no size has more digits.
  for (auto& [address, target] : ova.translation.disks) target.stored_size = UINT64_MAX;
  VMLIFT_TRY(vm::Translation translation, vm::translate(definition, ova.translation));
  ova.head.descriptor_room = translation.documents.front().text.size();
  const std::string no_digest(64, '0');
  ova.head.manifest_room = manifest_line(ova.head.descriptor, no_digest).size();
  for (const vm::DiskTarget& disk : targets_) {
    ova.head.manifest_room += manifest_line(disk.path, no_digest).size();
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

void Planner::add_in_ova(std::string kind, std::string_view member) {
  plan_.files.push_back({plan_.machines.front(), std::move(kind), in_ova(member)});
  state_.contents.emplace_back();
}

std::string Planner::ova_stem() const {
  return plain_file_name(stem_of_source(plan_.destination)).substr(0, kOvaStem);
}

std::string Planner::in_ova(std::string_view member) const {
  return fmt::format("{}!{}", plan_.destination, member);
}

}  // namespace vmlift
