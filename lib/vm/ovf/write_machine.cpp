// Processors, memory and the settings of the machine as a whole in an OVF.
#include <fmt/format.h>

#include "vm/ovf/envelope_writer.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"
#include "vm/vmware_decisions.hpp"
#include "vm/xml_writer.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

}  // namespace

void OvfWriter::allocate(Fields& fields, const Allocation& allocation, std::uint64_t unit) {
  if (allocation.reservation)
    fields["Reservation"] = std::to_string(*allocation.reservation / unit);
  if (allocation.limit) fields["Limit"] = std::to_string(*allocation.limit / unit);
  if (parse_unsigned(allocation.shares)) fields["Weight"] = allocation.shares;
}

void OvfWriter::processors_and_memory() {
  const std::uint32_t count = machine_.cpu.count.value_or(1);
  Fields cpu{{"AllocationUnits", "hertz * 10^6"},
             {"Description", "Number of Virtual CPUs"},
             {"ElementName", fmt::format("{} virtual CPU(s)", count)},
             {"ResourceType", "3"},
             {"VirtualQuantity", std::to_string(count)}};
  allocate(cpu, machine_.cpu.allocation, 1);
  const auto item = add_item(cpu);
  if (machine_.cpu.cores_per_socket) {
    const std::uint64_t cores =
        std::uint64_t{*machine_.cpu.cores_per_socket} * machine_.cpu.threads_per_core.value_or(1);
    add_text(item, "vmw:CoresPerSocket", std::to_string(cores), {{"ovf:required", "false"}});
  }
  const std::uint64_t bytes = machine_.memory.size.value_or(kMiB * 1024);
  const std::uint64_t mebibytes = bytes / kMiB + (bytes % kMiB != 0);
  Fields memory{{"AllocationUnits", "byte * 2^20"},
                {"Description", "Memory Size"},
                {"ElementName", fmt::format("{}MB of memory", mebibytes)},
                {"ResourceType", "4"},
                {"VirtualQuantity", std::to_string(mebibytes)}};
  allocate(memory, machine_.memory.allocation, kMiB);
  add_item(memory);
}

void OvfWriter::clock() {
  const Clock& clock = machine_.clock;
  if (clock.offset || clock.base == Clock::Base::utc)
    extra("rtc.diffFromUTC", std::to_string(clock.offset.value_or(0)));
  else if (clock.base == Clock::Base::local_time)
    account_.tell(Aspect::clock, dropped("the guest's own local time is VMware's default for it"));
}

void OvfWriter::settings() {
  const bool efi = decisions_.is("firmware", "efi");
  add_setting(hardware_, "vmw:Config", "firmware", efi ? "efi" : "bios");
  if (efi)
    config("bootOptions.efiSecureBootEnabled", machine_.firmware.secure_boot.value_or(false));
  if (machine_.cpu.hot_add) config("cpuHotAddEnabled", true);
  if (machine_.cpu.hot_remove) config("cpuHotRemoveEnabled", true);
  if (machine_.memory.hot_add) config("memoryHotAddEnabled", true);
  if (machine_.memory.pinned) config("memoryReservationLockedToMax", true);
  if (machine_.cpu.nested) config("nestedHVEnabled", true);
  if (machine_.cpu.vbs) config("flags.vbsEnabled", true);
  if (machine_.cpu.iommu) config("flags.vvtdEnabled", true);
  config("tools.syncTimeWithHost", machine_.clock.sync_with_host);
  const Identity& identity = machine_.identity;
  if (identity.smbios_uuid) extra("uuid.bios", vmware_bios_uuid(machine_, decisions_).text());
  if (identity.instance_uuid) extra("vc.uuid", identity.instance_uuid->text());
  if (!identity.serial.empty()) extra("serialNumber", identity.serial);
  if (identity.generation) {
    extra("vm.genid", std::to_string(static_cast<std::int64_t>(identity.generation->low)));
    extra("vm.genidX", std::to_string(static_cast<std::int64_t>(identity.generation->high)));
  }
  const auto shares = [&](const char* key, const std::string& level) {
    if (!level.empty() && !parse_unsigned(level)) add_setting(hardware_, "vmw:Config", key, level);
  };
  shares("cpuAllocation.shares.level", machine_.cpu.allocation.shares);
  shares("memoryAllocation.shares.level", machine_.memory.allocation.shares);
  clock();
  if (machine_.disks_show_uuids) extra("disk.EnableUUID", "TRUE");
  std::string order;
  for (const std::size_t index : boot_sequence(machine_))
    if (machine_.disks[index].boot_order)
      order += (order.empty() ? "" : ",") + drives_[index].address.text();
  if (!order.empty()) extra("bios.hddOrder", order);
  for (const Property& value : machine_.guestinfo) extra("guestinfo." + value.key, value.value);
}

}  // namespace vmlift::vm
