// The choices that every writer for a KVM guest has to make, whatever the language of its
// target: libvirt, KubeVirt, Proxmox, OpenStack.
#pragma once

#include <vector>

#include "vm/decision.hpp"

namespace vmlift::vm {

std::vector<DecisionRule> kvm_decisions();

/// Sockets, cores and threads; their product is the number of virtual CPUs.
struct Topology {
  std::uint32_t sockets = 1;
  std::uint32_t cores = 1;
  std::uint32_t threads = 1;
};
Topology kvm_topology(const Machine& machine, const Decisions& decisions);

}  // namespace vmlift::vm
