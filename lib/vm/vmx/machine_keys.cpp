#include "vm/vmx/machine_keys.hpp"

#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "vm/vmx/value.hpp"

namespace vmlift::vm {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostMiB = std::uint64_t{1} << 33;  // 8 PiB: far above any hypervisor's

using M = Machine;
using E = VmxEntry;
using R = Result<void>;

// Reservations and limits may say "unlimited" or -1: then there is none.
std::optional<std::uint64_t> allocation(const E& e, std::uint64_t unit) {
  const auto number = parse_unsigned(e.value);
  return number && *number != 0 ? checked_multiply<std::uint64_t>(*number, unit) : std::nullopt;
}

/// vCenter writes "/", "\" and "%" in names as %2f, %5c and %25, and nothing else.
std::string unescaped_name(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string code = lower(text.substr(at, 3));
    if (code == "%2f" || code == "%5c" || code == "%25") {
      name += code == "%2f" ? '/' : code == "%5c" ? '\\' : '%';
      at += 2;
    } else {
      name += text[at];
    }
  }
  return name;
}

std::vector<std::string> boot_classes(std::string_view text) {
  std::vector<std::string> classes;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string word = lower(trim(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::string name = word == "hdd"                         ? "disk"
                             : word == "cdrom" || word == "floppy" ? word
                             : word.starts_with("ethernet")        ? "network"
                                                                   : "";
    if (!name.empty() && std::ranges::find(classes, name) == classes.end()) classes.push_back(name);
  }
  return classes;
}

R guest_details(M& m, const E& e) {
  // architecture='X86' bitness='64' distroName='Ubuntu' ... prettyName='Ubuntu 22.04.3 LTS'
  const auto at = e.value.find("prettyName='");
  if (at == std::string::npos) return {};
  const auto begin = at + std::string_view("prettyName='").size();
  m.guest_os.description = e.value.substr(begin, e.value.find('\'', begin) - begin);
  return {};
}

R guestinfo(M& m, const E& e) {
  m.guestinfo.push_back(
      {.key = e.key.substr(std::string_view("guestinfo.").size()), .value = e.value});
  return {};
}

#define BOOL(member)          \
  [](M& m, const E& e) -> R { \
    m.member = bool_value(e); \
    return {};                \
  }
#define TEXT(member)          \
  [](M& m, const E& e) -> R { \
    m.member = e.value;       \
    return {};                \
  }

constexpr VmxMachineKey kKeys[] = {
    // identity
    {"displayname", Aspect::name,
     [](M& m, const E& e) -> R {
       m.identity.name = unescaped_name(e.value);
       return {};
     }},
    {"annotation", Aspect::annotation, TEXT(identity.annotation)},
    {"uuid.bios", Aspect::smbios_uuid,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(const Uuid uuid, uuid_value(e));
       m.identity.smbios_uuid = SmbiosUuid{uuid, false};
       return {};
     }},
    {"vc.uuid", Aspect::instance_uuid,
     [](M& m, const E& e) -> R {
       if (trim(e.value).empty()) return {};
       VMLIFT_TRY(m.identity.instance_uuid, uuid_value(e));
       return {};
     }},
    {"serialnumber", Aspect::serial_number, TEXT(identity.serial)},
    {"vm.genid", Aspect::generation_id,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(const std::int64_t half, signed_value(e));
       if (!m.identity.generation) m.identity.generation.emplace();
       m.identity.generation->low = static_cast<std::uint64_t>(half);
       return {};
     }},
    {"vm.genidx", Aspect::generation_id,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(const std::int64_t half, signed_value(e));
       if (!m.identity.generation) m.identity.generation.emplace();
       m.identity.generation->high = static_cast<std::uint64_t>(half);
       return {};
     }},
    {"virtualhw.version", Aspect::hardware_version,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(m.hardware_version, unsigned_value<std::uint32_t>(e));
       return {};
     }},
    {"guestos", Aspect::guest_os, TEXT(guest_os.source_id)},
    {"guestos.detailed.data", Aspect::guest_os, guest_details},
    {"guestinfo.detailed.data", Aspect::guest_os, guest_details},
    // processors
    {"numvcpus", Aspect::cpu_count,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(m.cpu.count, unsigned_value<std::uint32_t>(e, 1, 65536));
       return {};
     }},
    {"cpuid.corespersocket", Aspect::cpu_topology,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(const auto cores, unsigned_value<std::uint32_t>(e, 0, 65536));
       if (cores != 0) m.cpu.cores_per_socket = cores;
       return {};
     }},
    {"cpuid.corespersocket.cookie", Aspect::bookkeeping, nullptr,
     "a note of vSphere's automatic topology"},
    {"vcpu.hotadd", Aspect::cpu_hot_add, BOOL(cpu.hot_add)},
    {"vcpu.hotremove", Aspect::cpu_hot_add, BOOL(cpu.hot_remove)},
    {"vhv.enable", Aspect::cpu_nested, BOOL(cpu.nested)},
    {"vvtd.enable", Aspect::cpu_iommu, BOOL(cpu.iommu)},
    {"windows.vbs.enabled", Aspect::cpu_vbs, BOOL(cpu.vbs)},
    {"sched.cpu.affinity", Aspect::cpu_affinity,
     [](M& m, const E& e) -> R {
       if (!equal_ignoring_case(trim(e.value), "all")) m.cpu.affinity = e.value;
       return {};
     }},
    {"sched.cpu.min", Aspect::cpu_allocation,
     [](M& m, const E& e) -> R {
       m.cpu.allocation.reservation = allocation(e, 1);
       return {};
     }},
    {"sched.cpu.max", Aspect::cpu_allocation,
     [](M& m, const E& e) -> R {
       m.cpu.allocation.limit = allocation(e, 1);
       return {};
     }},
    {"sched.cpu.shares", Aspect::cpu_shares, TEXT(cpu.allocation.shares)},
    {"sched.cpu.latencysensitivity", Aspect::cpu_latency, TEXT(cpu.latency_sensitivity)},
    // memory
    {"memsize", Aspect::memory_size,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(const auto mebibytes, unsigned_value<std::uint64_t>(e, 1, kMostMiB));
       m.memory.size = mebibytes * kMiB;
       return {};
     }},
    {"mem.hotadd", Aspect::memory_hot_add, BOOL(memory.hot_add)},
    {"sched.mem.pin", Aspect::memory_pinned, BOOL(memory.pinned)},
    {"sched.mem.min", Aspect::memory_allocation,
     [](M& m, const E& e) -> R {
       m.memory.allocation.reservation = allocation(e, kMiB);
       return {};
     }},
    {"sched.mem.minsize", Aspect::memory_allocation,
     [](M& m, const E& e) -> R {
       m.memory.allocation.reservation = allocation(e, kMiB);
       return {};
     }},
    {"sched.mem.max", Aspect::memory_allocation,
     [](M& m, const E& e) -> R {
       m.memory.allocation.limit = allocation(e, kMiB);
       return {};
     }},
    {"sched.mem.shares", Aspect::memory_shares, TEXT(memory.allocation.shares)},
    // firmware
    {"firmware", Aspect::firmware,
     [](M& m, const E& e) -> R {
       const std::string type = lower(trim(e.value));
       if (type == "efi")
         m.firmware.type = Firmware::Type::efi;
       else if (type == "bios" || type.empty())
         m.firmware.type = Firmware::Type::bios;
       else
         return bad_value(e, "bios or efi");
       return {};
     }},
    {"uefi.secureboot.enabled", Aspect::secure_boot, BOOL(firmware.secure_boot)},
    {"nvram", Aspect::nvram, TEXT(firmware.nvram)},
    {"bios.bootorder", Aspect::boot_order,
     [](M& m, const E& e) -> R {
       m.boot_classes = boot_classes(e.value);
       return {};
     }},
    {"bios.hddorder", Aspect::boot_order},  // read with the disks
    {"managedvm.autoaddvtpm", Aspect::tpm,
     [](M& m, const E& e) -> R {
       m.tpm = m.tpm || !trim(e.value).empty();
       return {};
     }},
    // clock
    {"rtc.difffromutc", Aspect::clock,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(m.clock.offset, signed_value(e));
       return {};
     }},
    {"tools.synctime", Aspect::clock_sync, BOOL(clock.sync_with_host)},
    {"hpet0.present", Aspect::hpet, BOOL(clock.hpet)},
    // displays and sound
    {"svga.vramsize", Aspect::video,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(m.video.memory, unsigned_value<std::uint64_t>(e));
       return {};
     }},
    {"svga.numdisplays", Aspect::video,
     [](M& m, const E& e) -> R {
       VMLIFT_TRY(m.video.displays, unsigned_value<std::uint32_t>(e));
       return {};
     }},
    {"mks.enable3d", Aspect::video, BOOL(video.accelerated)},
    // USB controllers; their ports are devices
    {"usb.present", Aspect::usb, BOOL(usb.uhci)},
    {"ehci.present", Aspect::usb, BOOL(usb.ehci)},
    {"usb_xhci.present", Aspect::usb, BOOL(usb.xhci)},
    {"vtpm.present", Aspect::tpm,
     [](M& m, const E& e) -> R {
       m.tpm = m.tpm || bool_value(e);
       return {};
     }},
    {"watchdog.present", Aspect::watchdog, BOOL(watchdog)},
    // state
    {"checkpoint.vmstate", Aspect::suspend,
     [](M& m, const E& e) -> R {
       m.suspended = !trim(e.value).empty();
       return {};
     }},
    {"checkpoint.vmstate.readonly", Aspect::suspend},
    {"encryption.keysafe", Aspect::encryption,
     [](M& m, const E&) -> R {
       m.encrypted = true;
       return {};
     }},
    {"encryption.data", Aspect::encryption,
     [](M& m, const E&) -> R {
       m.encrypted = true;
       return {};
     }},
    {"encryption.bundle", Aspect::encryption,
     [](M& m, const E&) -> R {
       m.encrypted = true;
       return {};
     }},
    {"disk.enableuuid", Aspect::disk_uuid, BOOL(disks_show_uuids)},
};

#undef BOOL
#undef TEXT

// Whole families of keys, the most specific first.
constexpr VmxMachineKey kFamilies[] = {
    {"guestinfo.ovfenv*", Aspect::property, nullptr, "OVF properties as vCenter put them together"},
    {"guestinfo.vmtools.*", Aspect::tools},
    {"guestinfo.appinfo*", Aspect::tools},
    {"guestinfo.driver.*", Aspect::tools},
    {"guestinfo.*", Aspect::guestinfo, guestinfo},
    {"guestos.*", Aspect::guest_os},
    {"cpuid.*", Aspect::cpu_mask},
    {"hostcpuid.*", Aspect::cpu_mask},
    {"guestcpuid.*", Aspect::cpu_mask},
    {"usercpuid.*", Aspect::cpu_mask},
    {"featmask.*", Aspect::cpu_mask},
    {"evccompatibilitymode*", Aspect::cpu_mask},
    {"monitor.virtual_*", Aspect::bookkeeping, nullptr, "tunes VMware's monitor"},
    {"numa.*", Aspect::numa},
    {"sched.node.*", Aspect::numa},
    {"sched.cpu.*", Aspect::cpu_allocation},
    {"sched.mem.*", Aspect::memory_allocation},
    {"sched.swap.*", Aspect::bookkeeping, nullptr, "names the host's swap file"},
    {"prefvmx.*", Aspect::memory_allocation},
    {"mainmem.*", Aspect::memory_allocation},
    {"rtc.*", Aspect::clock_start},
    {"time.synchronize.*", Aspect::tools},
    {"hpet0.*", Aspect::vmware_device},
    {"bios.*", Aspect::boot_order},
    {"efi.*", Aspect::nvram},
    {"uefi.*", Aspect::nvram},
    {"svga.*", Aspect::video},
    {"mks.*", Aspect::video},
    {"usb.*", Aspect::usb},
    {"ehci.*", Aspect::usb},
    {"usb_xhci.*", Aspect::usb},
    {"vtpm.*", Aspect::tpm},
    {"watchdog.*", Aspect::watchdog},
    {"uuid.*", Aspect::bookkeeping, nullptr,
     "tells VMware whether the machine was moved or copied"},
    {"checkpoint.*", Aspect::suspend},
    {"snapshot.*", Aspect::snapshot},
    {"encryption.*", Aspect::encryption},
    {"encryptedvm.*", Aspect::encryption},
    {"datafilekey*", Aspect::encryption},
    {"hgfs.*", Aspect::shared_folder},
    {"isolation.tools.hgfs.*", Aspect::shared_folder},
    {"sharedfolder*", Aspect::shared_folder},
    {"isolation.*", Aspect::tools},
    {"tools*", Aspect::tools},
    {"unity.*", Aspect::tools},
    {"pcibridge*", Aspect::vmware_device},
    {"vmci*", Aspect::vmware_device},
    {"nvdimm*", Aspect::vmware_device},
    {"precisionclock*", Aspect::vmware_device},
    {"sgx.*", Aspect::vmware_device},
    {"sev.*", Aspect::vmware_device},
    {"tdx.*", Aspect::vmware_device},
    {"monitor_control.*", Aspect::vmware_device},
    {"monitor.*", Aspect::bookkeeping, nullptr, "tunes VMware's monitor"},
    {".encoding", Aspect::structure, nullptr, "the file's encoding; the text is UTF-8 now"},
    {"config.version", Aspect::structure, nullptr, "the version of VMX syntax"},
    {"virtualhw.*", Aspect::bookkeeping, nullptr, "the product the file was written for"},
    {"extendedconfigfile", Aspect::bookkeeping, nullptr, "names a file of VMware's"},
    {"vmxstats.*", Aspect::bookkeeping, nullptr, "names a file of VMware's"},
    {"migrate.*", Aspect::bookkeeping, nullptr, "VMware's own migration state"},
    {"vmotion.*", Aspect::bookkeeping, nullptr, "VMware's own migration state"},
    {"viv.*", Aspect::bookkeeping, nullptr, "an id in vCenter's inventory"},
    {"nvp.*", Aspect::bookkeeping, nullptr, "an id in NSX' inventory"},
    {"vmware.tools.*", Aspect::tools},
    {"policy.*", Aspect::bookkeeping, nullptr, "a policy of Workstation"},
    {"cleanshutdown", Aspect::bookkeeping, nullptr, "VMware's note on the last shutdown"},
    {"replay.*", Aspect::bookkeeping, nullptr, "VMware's record and replay"},
    {"softpoweroff", Aspect::bookkeeping, nullptr, "VMware's note on the last shutdown"},
    {"powertype.*", Aspect::bookkeeping, nullptr, "what VMware's power buttons do"},
    {"gui.*", Aspect::bookkeeping, nullptr, "VMware's user interface"},
    {"log.*", Aspect::bookkeeping, nullptr, "VMware's log files"},
    {"logging", Aspect::bookkeeping, nullptr, "VMware's log files"},
    {"answer.*", Aspect::bookkeeping, nullptr, "answers to VMware's questions"},
    {"msg.*", Aspect::bookkeeping, nullptr, "VMware's messages"},
    {"vmx.*", Aspect::bookkeeping, nullptr, "VMware's own process"},
    {"debugstub.*", Aspect::bookkeeping, nullptr, "VMware's debugger"},
    {"proxyapps.*", Aspect::bookkeeping, nullptr, "VMware's user interface"},
    {"remotedisplay.*", Aspect::video},
};

constexpr auto by_key = [](const VmxMachineKey& a, const VmxMachineKey& b) {
  return a.key < b.key;
};

constexpr auto sorted_keys() {
  std::array<VmxMachineKey, std::size(kKeys)> rows{};
  std::copy(std::begin(kKeys), std::end(kKeys), rows.begin());
  std::sort(rows.begin(), rows.end(), by_key);
  return rows;
}
constexpr auto kSortedKeys = sorted_keys();

bool in_family(std::string_view key, std::string_view family) {
  if (!family.ends_with('*')) return key == family;
  return key.starts_with(family.substr(0, family.size() - 1));
}

}  // namespace

const VmxMachineKey* find_vmx_machine_key(std::string_view lower) {
  const auto row = std::ranges::lower_bound(kSortedKeys, lower, {}, &VmxMachineKey::key);
  if (row != kSortedKeys.end() && row->key == lower) return &*row;
  const auto family = std::ranges::find_if(
      kFamilies, [&](const VmxMachineKey& member) { return in_family(lower, member.key); });
  return family == std::end(kFamilies) ? nullptr : &*family;
}

}  // namespace vmlift::vm
