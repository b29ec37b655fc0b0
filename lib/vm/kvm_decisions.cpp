#include "vm/kvm_decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace vmlift::vm {
namespace {

using S = Situation;

// virtio-blk takes a PCI slot for each disk; beyond these they share a virtio-scsi controller.
constexpr std::size_t kMostVirtioDisks = 20;

bool is_efi(const S& s) { return s.made.is("firmware", "efi"); }
bool is_linux(const S& s) { return s.family == GuestFamily::linux; }
bool is_windows(const S& s) { return s.family == GuestFamily::windows; }
bool is_xen(const S& s) { return s.made.is("domain-type", "xen"); }

/// The choice, or `fallback` where the host is known not to offer it.
Choice if_offered(const S& s, std::string_view what, Choice choice, std::string_view fallback) {
  if (s.host.allows(what, choice.value)) return choice;
  return {std::string(fallback), fmt::format("the host does not offer {}", choice.value)};
}

Choice domain_type(const S& s) {
  if (s.options.hypervisor.empty()) return {"kvm", "the default hypervisor"};
  return {s.options.hypervisor, "the hypervisor asked for"};
}

Choice firmware(const S& s) {
  if (!s.machine.firmware.type)
    return {"bios", "the source does not say; check for an EFI system partition on the boot disk"};
  if (*s.machine.firmware.type == Firmware::Type::efi) {
    // A guest that boots by UEFI boots by nothing else: the host has to be mended, not the guest.
    if (s.host.allows("os/firmware", "efi")) return {"efi", "as the source"};
    return {"efi", "as the source; the host has no UEFI firmware: install OVMF there"};
  }
  return {"bios", "as the source"};
}

Choice secure_boot(const S& s) {
  if (!is_efi(s)) return {"no", "BIOS has none"};
  if (s.machine.firmware.secure_boot.value_or(false)) return {"yes", "as the source"};
  return {"no", "off in the source"};
}

Choice machine(const S& s) {
  if (is_xen(s)) return {"xenfv", "Xen's full virtualisation"};
  if (is_efi(s)) return {"q35", "UEFI"};
  if (guest_is_legacy(s.machine.guest_os)) return {"pc", "a guest older than PCI Express"};
  return {"q35", "what current guests know"};
}

Choice tpm(const S& s) {
  if (!s.machine.tpm) return {"no", "the source has none"};
  if (!is_efi(s)) return {"no", "a TPM 2.0 needs UEFI"};
  return if_offered(s, "tpm/backendModel", {"emulator", "the source has one"}, "no").value == "no"
             ? Choice{"no", "the host does not offer an emulated TPM"}
             : Choice{"yes", "the source has one"};
}

Choice cpu(const S& s) {
  if (s.made.is("domain-type", "kvm"))
    return if_offered(s, "cpu/mode", {"host-model", "keeps migration between like hosts possible"},
                      "default");
  return {"default", "emulation has no host model"};
}

Choice topology(const S& s) {
  const std::uint32_t count = s.machine.cpu.count.value_or(1);
  const auto cores = s.machine.cpu.cores_per_socket;
  if (!cores) return {"one-socket", "the source does not say; guests may count licences by socket"};
  if (count % *cores != 0) {
    return {"one-socket",
            fmt::format("{} virtual CPUs cannot be divided into sockets of {}", count, *cores)};
  }
  return {"source", "as the source"};
}

Choice disk_bus(const S& s) {
  if (is_xen(s))
    return {s.profile == Profile::tuned ? "xen" : "ide", "what Xen offers such a guest"};
  const bool legacy = s.made.is("machine", "pc");
  switch (s.profile) {
    case Profile::vmware_compat:
      return {"source", "profile vmware-compat: the controllers it had, where QEMU has them"};
    case Profile::tuned:
      if (s.machine.disks.size() > kMostVirtioDisks)
        return if_offered(s, "disk/bus", {"scsi", "more disks than PCI slots should be spent on"},
                          "sata");
      return if_offered(s, "disk/bus", {"virtio", "profile tuned"}, "sata");
    case Profile::boot_safe:
      break;
  }
  if (legacy && s.machine.disks.size() <= 3)
    return {"ide", "profile boot-safe: a legacy guest has a driver for it"};
  return if_offered(s, "disk/bus", {"sata", "profile boot-safe: every guest has a driver for it"},
                    "virtio");
}

Choice scsi_model(const S& s) {
  if (s.profile == Profile::tuned || s.made.is("disk-bus", "scsi"))
    return {"virtio-scsi", "the fastest with SCSI semantics"};
  return {"source", "as far as QEMU emulates it"};
}

Choice disk_cache(const S& s) {
  if (s.profile == Profile::tuned) return {"none", "profile tuned: the guest's cache is enough"};
  return {"default", "the disk's file system may have no O_DIRECT"};
}

Choice nic_model(const S& s) {
  if (is_xen(s))
    return {s.profile == Profile::tuned ? "netfront" : "e1000", "what Xen offers such a guest"};
  switch (s.profile) {
    case Profile::vmware_compat:
      return {"source", "profile vmware-compat: the models it had, where QEMU has them"};
    case Profile::tuned:
      return {"virtio", "profile tuned"};
    case Profile::boot_safe:
      break;
  }
  if (s.made.is("machine", "pc"))
    return {guest_is_legacy(s.machine.guest_os) ? "e1000" : "e1000e", "profile boot-safe"};
  return {"e1000e", "profile boot-safe: every guest has a driver for it"};
}

Choice uuid(const S& s) {
  if (!s.machine.identity.smbios_uuid) return {"guest", "the source states none"};
  return {"guest", "the guest keeps seeing the UUID it knows"};
}

Choice clock(const S& s) {
  const Clock& clock = s.machine.clock;
  if (clock.base == Clock::Base::utc) return {"utc", "as the source"};
  if (clock.base == Clock::Base::local_time) return {"localtime", "as the source"};
  if (clock.offset && *clock.offset == 0)
    return {"utc", "the source says that the clock runs in UTC"};
  if (clock.offset)
    return {"offset", fmt::format("the source's clock is {} s from UTC", *clock.offset)};
  if (is_windows(s)) return {"localtime", "Windows keeps its clock in local time"};
  return {"utc", "guests other than Windows keep their clock in UTC"};
}

Choice video(const S& s) {
  if (s.profile == Profile::tuned && is_linux(s))
    return if_offered(s, "video/modelType", {"virtio", "Linux has a driver for it"}, "vga");
  return {"vga", "every guest has a driver for it"};
}

Choice sound(const S& s) {
  if (s.machine.sound.empty()) return {"none", "the source has none"};
  const bool server = s.machine.guest_os.id.find("srv") != std::string::npos;
  if (is_windows(s) && !server) return {"ich9", "a Windows desktop"};
  return {"none", "servers need none"};
}

Choice hyperv(const S& s) {
  if (!is_windows(s)) return {"none", "not a Windows guest"};
  if (s.profile == Profile::tuned && s.made.is("domain-type", "kvm") && s.host.known())
    return {"full", "profile tuned, and the host is known"};
  return {"base", "what every host offers Windows"};
}

Choice boot_order(const S& s) {
  for (const std::string& device : s.machine.boot_classes)
    if (device == "cdrom")
      return {"disk-first", "the source tries its CD first, which is for installing"};
  return {"disk-first", "a migrated guest boots from its disk"};
}

Choice unmapped_network(const S&) {
  return {"isolated", "never a wrong network: link down until it is mapped"};
}

Choice serial(const S&) {
  return {"pty", "a file or socket of the source's host does not exist here"};
}
Choice no(const S&) { return {"no", "off unless asked for"}; }

Choice guest_devices(const S& s) {
  if (guest_is_legacy(s.machine.guest_os)) return {"no", "a guest without drivers for them"};
  return {"yes", "balloon, random numbers and agent do no harm without a driver"};
}

constexpr DecisionRule kRules[] = {
    {"domain-type", "kvm|qemu|xen", "what runs the guest", domain_type},
    {"firmware", "bios|efi", "what the guest boots with", firmware},
    {"secure-boot", "yes|no", "whether UEFI checks signatures", secure_boot},
    {"machine", "q35|pc|MACHINE", "the emulated board", machine},
    {"tpm", "yes|no", "an emulated TPM 2.0", tpm},
    {"cpu", "host-model|host-passthrough|maximum|default|MODEL", "the CPU that the guest sees",
     cpu},
    {"topology", "source|one-socket|one-core", "how virtual CPUs are grouped", topology},
    {"disk-bus", "sata|virtio|scsi|ide|usb|xen|source", "what disks hang on", disk_bus},
    {"scsi-model", "source|virtio-scsi|vmpvscsi|lsilogic|lsisas1068", "the SCSI controllers",
     scsi_model},
    {"disk-cache", "default|none|writeback|writethrough|directsync|unsafe",
     "the host's cache for disks", disk_cache},
    {"nic-model", "e1000e|e1000|virtio|rtl8139|vmxnet3|pcnet|igb|netfront|source",
     "the network cards", nic_model},
    {"unmapped-network", "isolated|default", "where a NIC goes whose network is not mapped",
     unmapped_network},
    {"uuid", "guest|management", "which reading of the SMBIOS UUID is kept", uuid},
    {"clock", "utc|localtime|offset", "what the hardware clock is set to", clock},
    {"video", "vga|virtio|qxl|bochs|cirrus|vmvga|none", "the graphics card", video},
    {"sound", "none|ich9|ich6|ac97|es1370|sb16|usb", "the sound card", sound},
    {"hyperv", "none|base|full", "enlightenments for Windows", hyperv},
    {"boot-order", "disk-first|cdrom-first", "what is tried first", boot_order},
    {"serial", "pty|source|none", "what serial ports are connected to", serial},
    {"guest-devices", "yes|no", "balloon, random number generator, agent channel", guest_devices},
    {"hot-add", "yes|no", "room for more CPUs and memory while the guest runs", no},
    {"memory-lock", "yes|no", "pinned memory stays pinned", no},
    {"cpu-affinity", "yes|no", "pinning to the source host's CPUs", no},
    {"cpu-shares", "yes|no", "shares and limits of CPU time", no},
    {"io-limits", "yes|no", "limits of disk operations", no},
    {"acpi-index", "yes|no", "number NICs by their old slot, which names them eno<slot>", no},
};

}  // namespace

std::vector<DecisionRule> kvm_decisions() { return {std::begin(kRules), std::end(kRules)}; }

Topology kvm_topology(const Machine& machine, const Decisions& decisions) {
  const std::uint32_t count = machine.cpu.count.value_or(1);
  const std::uint32_t threads = machine.cpu.threads_per_core.value_or(1);
  if (decisions.is("topology", "one-core")) return {count, 1, 1};
  const std::uint32_t cores = machine.cpu.cores_per_socket.value_or(0);
  // An override cannot make a division come out even: libvirt refuses a product that is not
  // the number of virtual CPUs.
  if (decisions.is("topology", "source") && cores != 0 && count % (cores * threads) == 0)
    return {count / (cores * threads), cores, threads};
  return {1, count, 1};
}

}  // namespace vmlift::vm
