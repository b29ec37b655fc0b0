// Memory, processors, firmware and clock of a domain.
#include <fmt/format.h>

#include <algorithm>

#include "vm/encoding.hpp"
#include "vm/kvm_decisions.hpp"
#include "vm/libvirt/domain_writer.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kKiB = 1024;
const char* yes_no(bool yes) { return yes ? "yes" : "no"; }

}  // namespace

void DomainWriter::memory() {
  const std::uint64_t bytes = machine_.memory.size.value_or(std::uint64_t{1} << 30);
  const std::string kibibytes = std::to_string(bytes / kKiB + (bytes % kKiB != 0));
  if (adds_memory()) {
    add_text(domain_, "maxMemory", std::to_string(bytes / kKiB * 2),
             {{"slots", "16"}, {"unit", "KiB"}});
    account_.tell(Aspect::memory_hot_add, mapped("maxMemory"));
  }
  add_text(domain_, "memory", kibibytes, {{"unit", "KiB"}});
  if (machine_.memory.pinned && decisions_.is("memory-lock", "yes")) {
    add_element(add_element(domain_, "memoryBacking"), "locked");
    account_.tell(Aspect::memory_pinned, mapped("memoryBacking/locked"));
  }
}

void DomainWriter::processors() {
  const std::uint32_t count = machine_.cpu.count.value_or(1);
  auto vcpu = add_element(domain_, "vcpu", {{"placement", "static"}});
  if (!machine_.cpu.affinity.empty() && decisions_.is("cpu-affinity", "yes")) {
    vcpu.append_attribute("cpuset").set_value(printable_utf8(machine_.cpu.affinity).c_str());
    account_.tell(Aspect::cpu_affinity, kept("vcpu/@cpuset"));
  }
  if (adds_processors()) {
    vcpu.append_attribute("current") = count;
    account_.tell(Aspect::cpu_hot_add, mapped("vcpu/@current"));
  }
  vcpu.text().set(most_processors());
  if (decisions_.is("cpu-shares", "yes")) cpu_shares(count);
}

void DomainWriter::cpu_shares(std::uint32_t count) {
  const Allocation& allocation = machine_.cpu.allocation;
  if (allocation.shares.empty()) return;
  const std::string level = lower(allocation.shares);
  const std::uint64_t each = level == "low" ? 512 : level == "high" ? 2048 : 1024;
  const std::uint64_t shares = parse_unsigned(level).value_or(each * count);
  add_text(add_element(domain_, "cputune"), "shares",
           std::to_string(std::clamp<std::uint64_t>(shares, 2, 262144)));
  account_.tell(Aspect::cpu_shares, mapped("cputune/shares"));
}

void DomainWriter::firmware() {
  if (!machine_.identity.serial.empty() && !is_xen()) {
    const auto system =
        add_element(add_element(domain_, "sysinfo", {{"type", "smbios"}}), "system");
    add_text(system, "entry", machine_.identity.serial, {{"name", "serial"}});
  }
  auto os = add_element(domain_, "os");
  const bool secure = is_efi() && decisions_.is("secure-boot", "yes");
  if (is_efi()) os.append_attribute("firmware") = "efi";
  const std::string& board = decisions_["machine"];
  add_text(os, "type", "hvm", {{"arch", "x86_64"}, {"machine", board}});
  if (is_efi()) {
    // <os firmware='efi'> without a word on secure boot gives whatever image the host lists
    // first, which may have it on.
    const auto features = add_element(os, "firmware");
    if (secure) add_element(features, "feature", {{"enabled", "yes"}, {"name", "enrolled-keys"}});
    add_element(features, "feature", {{"enabled", yes_no(secure)}, {"name", "secure-boot"}});
  }
  if (!machine_.identity.serial.empty() && !is_xen())
    add_element(os, "smbios", {{"mode", "sysinfo"}});
  if (secure)
    account_.tell(
        Aspect::secure_boot,
        mapped("os/firmware/feature",
               "with Microsoft's keys; keys of the source's own NVRAM are not taken over"));
  if (!machine_.firmware.nvram.empty() && is_efi()) {
    account_.tell(
        Aspect::nvram,
        needs_action(
            "boot entries and keys of the old variable store are lost: make sure the guest boots by "
            "\\EFI\\BOOT\\BOOTX64.EFI, or add its boot entry anew",
            "VMware's NVRAM cannot be converted"));
  }
}

void DomainWriter::features() {
  const auto features = add_element(domain_, "features");
  add_element(features, "acpi");
  add_element(features, "apic");
  if (is_xen()) {
    add_element(features, "pae");
    return;
  }
  if (!decisions_.is("hyperv", "none")) hyperv(features);
  if (is_efi() && decisions_.is("secure-boot", "yes"))
    add_element(features, "smm", {{"state", "on"}});
  add_element(features, "vmport", {{"state", "off"}});
}

void DomainWriter::hyperv(pugi::xml_node features) {
  const auto hyperv = add_element(features, "hyperv", {{"mode", "custom"}});
  const auto add = [&](const char* name) {
    if (request_.host.allows("features/hyperv/features", name))
      add_element(hyperv, name, {{"state", "on"}});
  };
  add("relaxed");
  add("vapic");
  add_element(hyperv, "spinlocks", {{"state", "on"}, {"retries", "8191"}});
  if (!decisions_.is("hyperv", "full")) return;
  for (const char* name : {"vpindex", "runtime", "synic", "stimer", "reset", "frequencies",
                           "reenlightenment", "tlbflush", "ipi"})
    add(name);
}

void DomainWriter::cpu() {
  const std::string& mode = decisions_["cpu"];
  auto cpu = add_element(domain_, "cpu");
  if (mode == "host-model" || mode == "host-passthrough" || mode == "maximum") {
    cpu.append_attribute("mode") = mode.c_str();
  } else if (mode != "default") {
    cpu.append_attribute("mode") = "custom";
    cpu.append_attribute("match") = "exact";
    add_text(cpu, "model", mode, {{"fallback", "forbid"}});
  }
  const Topology topology = kvm_topology(machine_, decisions_);
  const std::uint32_t sockets = topology.sockets * (adds_processors() ? 2 : 1);
  add_element(cpu, "topology",
              {{"sockets", std::to_string(sockets)},
               {"cores", std::to_string(topology.cores)},
               {"threads", std::to_string(topology.threads)}});
  if (adds_memory()) {
    const std::uint64_t kibibytes = machine_.memory.size.value_or(std::uint64_t{1} << 30) / kKiB;
    add_element(add_element(cpu, "numa"), "cell",
                {{"id", "0"},
                 {"cpus", fmt::format("0-{}", most_processors() - 1)},
                 {"memory", std::to_string(kibibytes)},
                 {"unit", "KiB"}});
  }
  account_.tell(Aspect::cpu_nested,
                mode.starts_with("host-")
                    ? mapped("cpu/@mode", "the host's CPU has it where the host allows nesting")
                    : dropped(fmt::format("the CPU {} has no virtualisation of its own: "
                                          "--set cpu=host-model",
                                          mode)));
  if (decisions_.is("topology", "source"))
    account_.tell(Aspect::cpu_topology, kept("cpu/topology"));
  else
    account_.tell(Aspect::cpu_topology, mapped("cpu/topology", decisions_.reason("topology")));
}

void DomainWriter::clock() {
  auto clock = add_element(domain_, "clock");
  const std::string& base = decisions_["clock"];
  if (base == "offset") {
    clock.append_attribute("offset") = "variable";
    clock.append_attribute("adjustment") =
        std::to_string(machine_.clock.offset.value_or(0)).c_str();
    clock.append_attribute("basis") = "utc";
  } else {
    clock.append_attribute("offset") = base.c_str();
  }
  if (is_xen()) return;
  add_element(clock, "timer", {{"name", "rtc"}, {"tickpolicy", "catchup"}});
  add_element(clock, "timer", {{"name", "pit"}, {"tickpolicy", "delay"}});
  add_element(clock, "timer",
              {{"name", "hpet"},
               {"present", yes_no(machine_.clock.hpet.value_or(false) && !is_windows())}});
  if (!decisions_.is("hyperv", "none"))
    add_element(clock, "timer", {{"name", "hypervclock"}, {"present", "yes"}});
}

}  // namespace vmlift::vm
