// What a person has to see to whenever a machine comes to a KVM host, whatever the language of
// the target: one place for the words, so that every writer says the same.
#pragma once

#include "vm/account.hpp"

namespace vmlift::vm {

/// Nested security, shared buses and raw mappings, which no definition can carry over.
void tell_kvm_actions(const Machine& machine, Account& account);

/// For targets without disks that forget: what is written will stay.
void tell_kept_changes(const Machine& machine, Account& account);

/// The guest sees serial numbers of disks that the definition does not hold: they are in the
/// disks. `target`: where those that it does hold went.
void tell_disk_serials(const Machine& machine, Account& account, std::string_view target);

}  // namespace vmlift::vm
