// The table of dialects. Detection, listings and translation walk it; to add a dialect: its
// file or folder, its header here, one row.
#include <algorithm>
#include <iterator>

#include "vm/dialect.hpp"
#include "vm/kubevirt/kubevirt.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/libvirt/account_rules.hpp"
#include "vm/libvirt/libvirt.hpp"
#include "vm/others/others.hpp"
#include "vm/ovf/ovf.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/vmx/vmx.hpp"

namespace vmlift::vm {
namespace {

// Those that are told by their markup stand before those that are told by a key.
constexpr Dialect kDialects[] = {
    {.name = "libvirt",
     .description = "libvirt domain XML",
     .extension = ".xml",
     .is = is_libvirt,
     .parse = parse_libvirt,
     .decisions = kvm_decisions,
     .account_rules = libvirt_account_rules,
     .write = write_libvirt},
    {.name = "kubevirt",
     .description = "KubeVirt VirtualMachine manifest",
     .extension = ".yaml",
     .decisions = kubevirt_decisions,
     .account_rules = kubevirt_account_rules,
     .write = write_kubevirt},
    {.name = "ovf",
     .description = "DMTF Open Virtualization Format",
     .extension = ".ovf",
     .is = is_ovf,
     .parse = parse_ovf,
     .decisions = vmware_decisions,
     .account_rules = ovf_account_rules,
     .write = write_ovf},
    {.name = "vmx",
     .description = "VMware virtual machine configuration",
     .extension = ".vmx",
     .is = is_vmx,
     .parse = parse_vmx,
     .decisions = vmware_decisions,
     .account_rules = vmx_account_rules,
     .write = write_vmx},
    {.name = "qm",
     .description = "Proxmox VE configuration",
     .extension = ".conf",
     .decisions = kvm_decisions,
     .account_rules = qm_account_rules,
     .write = write_qm},
    {.name = "openstack",
     .description = "OpenStack image properties",
     .extension = ".json",
     .decisions = kvm_decisions,
     .account_rules = openstack_account_rules,
     .write = write_openstack},
    {.name = "xl",
     .description = "Xen xl configuration",
     .extension = ".cfg",
     .decisions = xl_decisions,
     .account_rules = xl_account_rules,
     .write = write_xl},
};

}  // namespace

std::span<const Dialect> dialect_table() { return kDialects; }

const Dialect* find_dialect(std::string_view name) {
  const auto row = std::ranges::find(kDialects, name, &Dialect::name);
  return row == std::end(kDialects) ? nullptr : &*row;
}

std::vector<DialectInfo> dialects() {
  std::vector<DialectInfo> list;
  for (const Dialect& dialect : kDialects) {
    list.push_back({dialect.name, dialect.description, dialect.extension, dialect.parse != nullptr,
                    dialect.write != nullptr});
  }
  return list;
}

std::string_view detect_dialect(std::string_view text, std::string_view file_name) {
  const auto row = std::ranges::find_if(kDialects, [&](const Dialect& dialect) {
    return dialect.is != nullptr && dialect.is(text, file_name);
  });
  return row == std::end(kDialects) ? std::string_view() : row->name;
}

std::vector<DecisionInfo> decisions(std::string_view name) {
  std::vector<DecisionInfo> list;
  const Dialect* dialect = find_dialect(name);
  if (dialect == nullptr || dialect->decisions == nullptr) return list;
  for (const DecisionRule& rule : dialect->decisions())
    list.push_back({rule.name, rule.values, rule.meaning});
  return list;
}

}  // namespace vmlift::vm
