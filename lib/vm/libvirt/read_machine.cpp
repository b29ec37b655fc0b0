// Memory, processors, firmware and clock of a domain.
#include <fmt/format.h>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/libvirt/domain_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {

Result<std::uint64_t> DomainReader::bytes(pugi::xml_node node) const {
  const std::string_view unit = attribute_of(node, "unit").value();
  // libvirt's "KB" is 1000 bytes and "KiB" or "k" 1024; a bare number is KiB.
  std::optional<std::uint64_t> factor = 1024;
  const std::string word = lower(unit);
  if (word == "b" || word == "bytes")
    factor = 1;
  else if (word == "kb")
    factor = 1'000;
  else if (word == "mb")
    factor = 1'000'000;
  else if (word == "gb")
    factor = 1'000'000'000;
  else if (word == "m" || word == "mib")
    factor = std::uint64_t{1} << 20;
  else if (word == "g" || word == "gib")
    factor = std::uint64_t{1} << 30;
  else if (word == "t" || word == "tib")
    factor = std::uint64_t{1} << 40;
  else if (!word.empty() && word != "k" && word != "kib")
    factor = std::nullopt;
  const auto number = parse_unsigned(text_of(node));
  const auto size = number && factor ? checked_multiply(*number, *factor) : std::nullopt;
  if (!size)
    return bad(node, fmt::format("{} \"{}\" {} is no size", node.name(), text_of(node), unit));
  return *size;
}

Result<void> DomainReader::memory() {
  const auto node = child_of(domain_, "memory");
  if (node) {
    VMLIFT_TRY(machine_.memory.size, bytes(node));
  }
  document_.claim_rest(node, Aspect::memory_size);
  // What the balloon leaves the guest now is no property of the machine.
  rest("currentMemory", Aspect::memory_allocation);
  if (child_of(domain_, "maxMemory")) machine_.memory.hot_add = true;
  rest("maxMemory", Aspect::memory_hot_add);
  if (child_of(child_of(domain_, "memoryBacking"), "locked")) machine_.memory.pinned = true;
  rest("memoryBacking", Aspect::memory_pinned);
  rest("memtune", Aspect::memory_allocation);
  rest("numatune", Aspect::numa);
  return {};
}

Result<void> DomainReader::processors() {
  const auto vcpu = child_of(domain_, "vcpu");
  if (vcpu) {
    const auto count = parse_unsigned(text_of(vcpu));
    if (!count || *count == 0 || *count > 65536)
      return bad(vcpu, fmt::format("vcpu \"{}\" is no possible number", text_of(vcpu)));
    machine_.cpu.count = static_cast<std::uint32_t>(*count);
    if (const auto now = parse_unsigned(attribute_of(vcpu, "current").value());
        now && *now > 0 && *now < *count) {
      machine_.cpu.count = static_cast<std::uint32_t>(*now);
      machine_.cpu.hot_add = true;
    }
    machine_.cpu.affinity = attribute_of(vcpu, "cpuset").value();
    document_.claim(attribute_of(vcpu, "cpuset"), Aspect::cpu_affinity);
    document_.claim(attribute_of(vcpu, "current"), Aspect::cpu_hot_add);
    document_.claim_rest(vcpu, Aspect::cpu_count);
  } else {
    machine_.cpu.count = 1;
  }
  const auto cpu = child_of(domain_, "cpu");
  machine_.cpu.model = attribute_of(cpu, "mode").value();
  if (const auto model = child_of(cpu, "model")) machine_.cpu.model = text_of(model);
  if (const auto topology = child_of(cpu, "topology")) {
    const auto cores = parse_unsigned(attribute_of(topology, "cores").value());
    const auto threads = parse_unsigned(attribute_of(topology, "threads").value());
    if (cores && *cores > 0 && *cores <= 65536)
      machine_.cpu.cores_per_socket = static_cast<std::uint32_t>(*cores);
    if (threads && *threads > 1 && *threads <= 65536)
      machine_.cpu.threads_per_core = static_cast<std::uint32_t>(*threads);
    document_.claim_rest(topology, Aspect::cpu_topology);
  }
  if (const auto numa = child_of(cpu, "numa")) document_.claim_rest(numa, Aspect::numa);
  for (const auto feature : children_of(cpu, "feature")) {
    const std::string_view name = attribute_of(feature, "name").value();
    if ((name == "vmx" || name == "svm") &&
        std::string_view(attribute_of(feature, "policy").value()) == "require")
      machine_.cpu.nested = true;
    const bool nesting = name == "vmx" || name == "svm";
    document_.claim_rest(feature, nesting ? Aspect::cpu_nested : Aspect::cpu_features);
  }
  if (cpu) document_.claim_rest(cpu, Aspect::cpu_mask);
  const auto tune = child_of(domain_, "cputune");
  machine_.cpu.allocation.shares = trim(take(tune, "shares", Aspect::cpu_shares));
  rest("cputune", Aspect::cpu_allocation);
  rest("iothreads", Aspect::bookkeeping);
  rest("iothreadids", Aspect::bookkeeping);
  rest("vcpus", Aspect::cpu_count);
  return {};
}

void DomainReader::firmware() {
  const auto os = child_of(domain_, "os");
  Firmware& firmware = machine_.firmware;
  const auto loader = child_of(os, "loader");
  const bool efi = std::string_view(attribute_of(os, "firmware").value()) == "efi" ||
                   std::string_view(attribute_of(loader, "type").value()) == "pflash";
  firmware.type = efi ? Firmware::Type::efi : Firmware::Type::bios;
  for (const auto feature : children_of(child_of(os, "firmware"), "feature"))
    if (std::string_view(attribute_of(feature, "name").value()) == "secure-boot")
      firmware.secure_boot = parse_bool(attribute_of(feature, "enabled").value());
  if (!firmware.secure_boot && attribute_of(loader, "secure"))
    firmware.secure_boot = parse_bool(attribute_of(loader, "secure").value());
  document_.claim(attribute_of(os, "firmware"), Aspect::firmware);
  if (const auto node = child_of(os, "firmware")) document_.claim_rest(node, Aspect::secure_boot);
  if (loader) document_.claim_rest(loader, Aspect::firmware);
  if (const auto nvram = child_of(os, "nvram")) {
    firmware.nvram = text_of(nvram);
    document_.claim_rest(nvram, Aspect::nvram);
  }
  for (const auto boot : children_of(os, "boot")) {
    const std::string_view device = attribute_of(boot, "dev").value();
    machine_.boot_classes.emplace_back(device == "hd"   ? "disk"
                                       : device == "fd" ? "floppy"
                                                        : device);
    document_.claim_rest(boot, Aspect::boot_order);
  }
  for (const char* name : {"bootmenu", "bios", "smbios", "type"})
    if (const auto node = child_of(os, name)) document_.claim_rest(node, Aspect::structure);
}

void DomainReader::features() {
  const auto features = child_of(domain_, "features");
  if (child_of(features, "hyperv"))
    document_.claim_rest(child_of(features, "hyperv"), Aspect::cpu_features);
  if (features) document_.claim_rest(features, Aspect::cpu_features);
}

Result<void> DomainReader::clock() {
  const auto node = child_of(domain_, "clock");
  const std::string_view offset = attribute_of(node, "offset").value();
  Clock& clock = machine_.clock;
  if (offset == "utc") clock.base = Clock::Base::utc;
  if (offset == "localtime") clock.base = Clock::Base::local_time;
  if (offset == "variable") {
    const auto adjustment = attribute_of(node, "adjustment");
    clock.offset = parse_signed(adjustment.value()).value_or(0);
    if (std::string_view(attribute_of(node, "basis").value()) == "localtime")
      clock.base = Clock::Base::local_time;
  }
  for (const auto timer : children_of(node, "timer"))
    if (std::string_view(attribute_of(timer, "name").value()) == "hpet")
      clock.hpet = parse_bool(attribute_of(timer, "present").value());
  for (const auto timer : children_of(node, "timer"))
    document_.claim_rest(timer, std::string_view(attribute_of(timer, "name").value()) == "hpet"
                                    ? Aspect::hpet
                                    : Aspect::structure);
  if (node) document_.claim_rest(node, Aspect::clock);
  return {};
}

}  // namespace vmlift::vm
