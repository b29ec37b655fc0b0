// Processors and memory of an OVF.
#include <fmt/format.h>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/ovf/hardware_reader.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// Without units the standard says bytes, and everybody who leaves them out means megabytes: no
// machine has less than 16 MiB, none more than 16 TiB.
constexpr std::uint64_t kMostBareMegabytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 53;

}  // namespace

Result<void> HardwareReader::processor(const Item& item) {
  VMLIFT_TRY(const std::uint64_t count, quantity(item, "VirtualQuantity"));
  if (count == 0 || count > 65536)
    return bad_ovf(document_, item.node, fmt::format("{}: {} virtual CPUs", item.label(), count));
  if (machine_.cpu.count)
    warn(item, "another item with processors; the first counts");
  else
    machine_.cpu.count = static_cast<std::uint32_t>(count);
  document_.claim(child_of(item.node, "VirtualQuantity"), Aspect::cpu_count);
  if (const auto cores = child_of(item.node, "CoresPerSocket")) {
    const auto number = parse_unsigned(text_of(cores));
    if (number && *number != 0 && *number <= 65536)
      machine_.cpu.cores_per_socket = static_cast<std::uint32_t>(*number);
    document_.claim(cores, Aspect::cpu_topology);
    document_.claim_rest(cores, Aspect::cpu_topology);
  }
  auto& allocation = machine_.cpu.allocation;
  allocation.reservation = optional_quantity(item, "Reservation", 1);
  allocation.limit = optional_quantity(item, "Limit", 1);
  if (!item.field("Weight").empty()) allocation.shares = item.field("Weight");
  for (std::string_view field : {"Reservation", "Limit"})
    document_.claim(child_of(item.node, field), Aspect::cpu_allocation);
  document_.claim(child_of(item.node, "Weight"), Aspect::cpu_shares);
  settings(item, Aspect::cpu_allocation, 0);
  document_.claim_rest(item.node, Aspect::cpu_count);
  return {};
}

Result<void> HardwareReader::memory(const Item& item) {
  VMLIFT_TRY(const std::uint64_t number, quantity(item, "VirtualQuantity"));
  const bool bare = item.field("AllocationUnits").empty();
  VMLIFT_TRY(const std::uint64_t unit, unit_of(item, number <= kMostBareMegabytes ? kMiB : 1));
  const auto bytes = checked_multiply(number, unit);
  if (!bytes || *bytes == 0 || *bytes > kMostMemory) {
    return bad_ovf(document_, item.node,
                   fmt::format("{}: {} x {} bytes of memory", item.label(), number, unit));
  }
  if (bare) warn(item, "memory without AllocationUnits; read as megabytes where that is possible");
  if (machine_.memory.size)
    warn(item, "another item with memory; the first counts");
  else
    machine_.memory.size = *bytes;
  auto& allocation = machine_.memory.allocation;
  allocation.reservation = optional_quantity(item, "Reservation", unit);
  allocation.limit = optional_quantity(item, "Limit", unit);
  if (!item.field("Weight").empty()) allocation.shares = item.field("Weight");
  for (std::string_view field : {"Reservation", "Limit"})
    document_.claim(child_of(item.node, field), Aspect::memory_allocation);
  document_.claim(child_of(item.node, "Weight"), Aspect::memory_shares);
  settings(item, Aspect::memory_allocation, 0);
  document_.claim_rest(item.node, Aspect::memory_size);
  return {};
}

}  // namespace vmlift::vm
