#include "package/traces.hpp"

#include <algorithm>
#include <filesystem>

namespace vmlift {
namespace {

/// Whether the lock's owner is a file of this machine: the .vmx, or a disk in the same folder.
bool locks_this(std::string_view owner, const Contents& contents,
                const vm::Definition& definition) {
  if (owner == contents.definition_name) return true;
  for (const vm::Machine& machine : definition.machines) {
    for (const vm::Drive& drive : machine.disks) {
      if (drive.source && owner == *drive.source) return true;
    }
  }
  return false;
}

}  // namespace

VmxTraces find_vmx_traces(const Contents& contents, const vm::Definition& definition) {
  VmxTraces traces;
  const std::string stem(stem_of(contents.definition_name));
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_of(contents.location), ignored)) {
    const std::string name = entry.path().filename().string();
    // Workstation makes a folder NAME.lck, ESXi on NFS a hidden file .lck-INODE.
    const bool lock = has_extension(name, ".lck") ? locks_this(stem_of(name), contents, definition)
                                                  : name.starts_with(".lck-");
    if (lock) traces.locks.push_back(name);
    // STEM.vmss on Workstation, STEM-HASH.vmss on ESXi.
    if (has_extension(name, ".vmss") && name.starts_with(stem)) {
      traces.suspended_state.push_back(name);
    }
  }
  std::ranges::sort(traces.locks);
  std::ranges::sort(traces.suspended_state);
  if (const auto file = contents.folder->open(stem + ".vmsd")) {
    if (auto text = read_text(**file, Limits{}.vmx)) traces.snapshots = *std::move(text);
  }
  return traces;
}

}  // namespace vmlift
