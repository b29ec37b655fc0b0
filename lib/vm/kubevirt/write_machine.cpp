// Processors, memory, firmware and clock in a manifest.
#include <fmt/format.h>

#include "vm/encoding.hpp"
#include "vm/kubevirt/manifest_writer.hpp"
#include "vm/kvm_decisions.hpp"

namespace vmlift::vm {

void ManifestWriter::cpu_and_memory() {
  const Topology topology = kvm_topology(machine_, decisions_);
  domain_["cpu"] = {
      {"sockets", topology.sockets}, {"cores", topology.cores}, {"threads", topology.threads}};
  const bool more = decisions_.is("hot-add", "yes");
  if (more && machine_.cpu.hot_add) {
    domain_["cpu"]["maxSockets"] = topology.sockets * 2;
    account_.tell(Aspect::cpu_hot_add, mapped("cpu/maxSockets"));
  }
  const std::string& model = decisions_["cpu"];
  if (model != "default" && model != "maximum") domain_["cpu"]["model"] = model;
  if (!decisions_.is("topology", "source"))
    account_.tell(Aspect::cpu_topology, mapped("cpu", decisions_.reason("topology")));
  const std::uint64_t bytes = machine_.memory.size.value_or(kMiB * 1024);
  const std::uint64_t mebibytes = bytes / kMiB + (bytes % kMiB != 0);
  domain_["memory"] = {{"guest", fmt::format("{}Mi", mebibytes)}};
  if (more && machine_.memory.hot_add) {
    domain_["memory"]["maxGuest"] = fmt::format("{}Mi", mebibytes * 2);
    account_.tell(Aspect::memory_hot_add, mapped("memory/maxGuest"));
  }
  domain_["machine"] = {{"type", decisions_["machine"]}};
}

void ManifestWriter::firmware() {
  Json firmware = Json::object();
  const Identity& identity = machine_.identity;
  if (identity.smbios_uuid) {
    const bool management = decisions_.is("uuid", "management");
    firmware["uuid"] =
        (management ? identity.smbios_uuid->stored : identity.smbios_uuid->guest_visible()).text();
  }
  if (!identity.serial.empty()) firmware["serial"] = printable_utf8(identity.serial);
  // secureBoot is true where it is left out.
  if (is_efi())
    firmware["bootloader"]["efi"] = {{"secureBoot", secure()}, {"persistent", true}};
  else
    firmware["bootloader"]["bios"] = Json::object();
  domain_["firmware"] = firmware;
  if (!machine_.firmware.nvram.empty() && is_efi()) {
    account_.tell(
        Aspect::nvram,
        needs_action(
            "make sure the guest boots by \\EFI\\BOOT\\BOOTX64.EFI, or add its boot entry anew",
            "VMware's NVRAM cannot be converted"));
  }
}

void ManifestWriter::features() {
  Json features = {{"acpi", Json::object()}};
  if (secure()) features["smm"] = {{"enabled", true}};
  if (!decisions_.is("hyperv", "none")) {
    Json& hyperv = features["hyperv"];
    hyperv = {{"relaxed", Json::object()},
              {"vapic", Json::object()},
              {"spinlocks", {{"spinlocks", 8191}}}};
    if (decisions_.is("hyperv", "full"))
      for (const char* name : {"vpindex", "runtime", "synic", "reset", "frequencies",
                               "reenlightenment", "tlbflush", "ipi"})
        hyperv[name] = Json::object();
  }
  domain_["features"] = features;
}

void ManifestWriter::clock() {
  Json clock = Json::object();
  const std::string& zone = decisions_["timezone"];
  if (zone != "utc")
    clock["timezone"] = zone;
  else
    clock["utc"] = machine_.clock.offset.value_or(0) == 0
                       ? Json::object()
                       : Json{{"offsetSeconds", *machine_.clock.offset}};
  clock["timer"] = {{"rtc", {{"tickPolicy", "catchup"}}},
                    {"pit", {{"tickPolicy", "delay"}}},
                    {"hpet", {{"present", false}}}};
  if (!decisions_.is("hyperv", "none")) clock["timer"]["hyperv"] = Json::object();
  domain_["clock"] = clock;
  if (decisions_.is("clock", "localtime") && zone == "utc") {
    account_.tell(
        Aspect::clock,
        needs_action(
            "set the guest's zone (--set timezone=Europe/Berlin), or RealTimeIsUniversal in Windows",
            "the clock runs in local time, which KubeVirt does not have"));
  }
}

}  // namespace vmlift::vm
