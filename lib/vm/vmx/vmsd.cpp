// Reads a .vmsd: the snapshots of a VMware machine, in the syntax of a VMX.
#include <fmt/format.h>

#include "base/fail.hpp"
#include "vm/scalar.hpp"
#include "vm/vmx/dictionary.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

Result<std::vector<Snapshot>> parse_snapshots(std::string_view vmsd, const Limits& limits) {
  VMLIFT_TRY(const VmxDictionary dictionary, parse_vmx_dictionary(vmsd, limits));
  const auto value = [&](const std::string& key) -> std::string {
    const VmxEntry* entry = dictionary.find(key);
    return entry == nullptr ? std::string() : entry->value;
  };
  const std::uint64_t count = parse_unsigned(value("snapshot.numsnapshots")).value_or(0);
  if (count > limits.snapshots)
    return fail(ErrorCode::Limit, "{} snapshots; at most {} are read", count, limits.snapshots);
  std::vector<Snapshot> snapshots;
  // Numbers of deleted snapshots are missing: "numSnapshots" counts those that are left.
  for (std::uint64_t number = 0; number < limits.snapshots && snapshots.size() < count; ++number) {
    const std::string prefix = fmt::format("snapshot{}.", number);
    if (dictionary.find(prefix + "uid") == nullptr) continue;
    Snapshot snapshot{.id = value(prefix + "uid"),
                      .name = value(prefix + "displayname"),
                      .description = value(prefix + "description"),
                      .parent = value(prefix + "parent")};
    const std::uint64_t disks = parse_unsigned(value(prefix + "numdisks")).value_or(0);
    for (std::uint64_t disk = 0; disk < disks && disk < 256; ++disk)
      snapshot.disks.push_back(value(fmt::format("{}disk{}.filename", prefix, disk)));
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

}  // namespace vmlift::vm
