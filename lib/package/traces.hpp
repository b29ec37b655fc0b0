// What VMware leaves beside a .vmx: locks of a running machine, the memory of a suspended one, the
// list of snapshots.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "package/contents.hpp"

namespace vmlift {

struct VmxTraces {
  std::vector<std::string> locks;            ///< NAME.lck, .lck-XXXX
  std::vector<std::string> suspended_state;  ///< .vmss
  std::optional<std::string> snapshots;      ///< the text of the .vmsd
};

/// Looks at the names in the folder of the .vmx and reads its .vmsd. What cannot be read is not
/// there.
VmxTraces find_vmx_traces(const Contents& contents, const vm::Definition& definition);

}  // namespace vmlift
