// What other translators get wrong, one case for each mistake: vmlift gets it right, and where the
// other program is installed, its answer is seen to differ. If such a check fails one day, the
// peer has mended its ways: drop the check, keep the case.
#include <doctest/doctest.h>

#include "support/outcome.hpp"
#include "support/skip.hpp"
#include "vm/peers.hpp"
#include "vm/samples.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/package.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr const char* kNoVirtV2v = "virt-v2v is absent: its answer is not compared";
constexpr const char* kNoLibvirt = "virsh is absent: libvirt's answer is not compared";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string translated(const std::string& text, const std::string& from, const std::string& to,
                       const std::string& profile = {}) {
  const vm::Definition definition = must(vm::parse(text, {.dialect = from}));
  return must(vm::translate(definition, {.dialect = to, .profile = profile})).documents.at(0).text;
}

vm::Machine read(const std::string& text, const std::string& dialect) {
  return must(vm::parse(text, {.dialect = dialect})).machines.at(0);
}

/// Disks for virt-v2v, which opens them.
void make_disks(const TemporaryFolder& folder, std::initializer_list<const char*> names) {
  for (const char* name : names)
    must(must(create_disk(folder / name, "vmdk", {.size = 1 << 20}))->commit());
}

/// What virt-v2v says of this OVF, whose only disk is d.vmdk.
std::optional<CommandResult> virt_v2v_reads_ovf(const std::string& ovf) {
  const TemporaryFolder folder;
  make_disks(folder, {"d.vmdk"});
  folder.write("web.ovf", ovf);
  return virt_v2v_reads("ova", folder.path());
}

const Lines kMachine{{"displayName", "web-01"}, {"guestOS", "rhel9-64"}, {"memsize", "4096"}};

}  // namespace

TEST_SUITE("mistakes of peers") {
  TEST_CASE("1: virt-v2v loses every MAC that was set by hand") {
    const std::string vmx =
        vmx_text(kMachine + scsi_disk(0, "d.vmdk") + nic(0, "Prod", "00:50:56:01:02:03"));
    for (const char* target : {"libvirt", "kubevirt", "ovf", "qm", "xl"})
      CHECK_MESSAGE(contains(translated(vmx, "vmx", target), "00:50:56:01:02:03"), target);
    const TemporaryFolder folder;
    make_disks(folder, {"d.vmdk"});
    const auto peer = virt_v2v_reads("vmx", folder.write("web.vmx", vmx));
    if (!peer) return skip(kNoVirtV2v);
    INFO(peer->output);
    CHECK(peer->status == 0);
    CHECK(contains(peer->output, "Prod"));
    CHECK_FALSE(contains(peer->output, "00:50:56:01:02:03"));
  }

  TEST_CASE("2: virt-v2v drops IDE disks without a type, CD-ROMs of other buses, and floppies") {
    const std::string vmx = vmx_text(kMachine + scsi_disk(0, "scsi.vmdk") +
                                     Lines{{"scsi0:0.mode", "independent-nonpersistent"},
                                           {"ide0:0.present", "TRUE"},
                                           {"ide0:0.fileName", "ide.vmdk"},
                                           {"sata0.present", "TRUE"},
                                           {"sata0:1.present", "TRUE"},
                                           {"sata0:1.deviceType", "cdrom-raw"},
                                           {"sata0:1.fileName", "auto detect"},
                                           {"scsi0:5.present", "TRUE"},
                                           {"scsi0:5.deviceType", "cdrom-image"},
                                           {"scsi0:5.fileName", "x.iso"},
                                           {"floppy0.fileName", "f.flp"}});
    const vm::Machine machine = read(vmx, "vmx");
    CHECK(machine.disks.size() == 2);
    CHECK(machine.media.size() == 3);
    const std::string domain = translated(vmx, "vmx", "libvirt");
    CHECK(contains(domain, "ide.qcow2"));
    CHECK(contains(domain, "<transient />"));
    CHECK(contains(domain, "device=\"cdrom\""));
    const TemporaryFolder folder;
    make_disks(folder, {"scsi.vmdk", "ide.vmdk"});
    const auto peer = virt_v2v_reads("vmx", folder.write("web.vmx", vmx));
    if (!peer) return skip(kNoVirtV2v);
    INFO(peer->output);
    CHECK(peer->status == 0);
    CHECK(contains(peer->output, "[scsi]"));
    CHECK_FALSE(contains(peer->output, "[ide]"));
    CHECK_FALSE(contains(peer->output, "CD-ROM"));
  }

  TEST_CASE("2: libvirt 9.0 drops NVMe disks without a message") {
    const std::string vmx = vmx_text(kMachine + Lines{{"nvme0.present", "TRUE"},
                                                      {"nvme0:0.present", "TRUE"},
                                                      {"nvme0:0.fileName", "n.vmdk"}});
    CHECK(read(vmx, "vmx").disks.at(0).address.text() == "nvme0:0");
    CHECK(contains(translated(vmx, "vmx", "libvirt"), "n.qcow2"));
    const TemporaryFolder folder;
    const auto peer = libvirt_reads(folder.write("web.vmx", vmx));
    if (!peer) return skip(kNoLibvirt);
    INFO(peer->output);
    CHECK(peer->status == 0);
    CHECK_FALSE(contains(peer->output, "<disk"));
  }

  TEST_CASE("3: libvirt refuses VMX files that VMware runs") {
    const std::string head = "displayName = \"web-01\"\nguestOS = \"rhel9-64\"\n";
    const std::string usual = "config.version = \"8\"\nvirtualHW.version = \"19\"\n" + head;
    const std::string nic = usual + "ethernet0.present = \"TRUE\"\n";
    const std::pair<const char*, std::string> files[] = {
        {"firmware = bios", usual + "firmware = \"bios\"\n"},
        {"memory not in steps of 4 MiB", usual + "memsize = \"1023\"\n"},
        {"a pvrdma card", nic + "ethernet0.virtualDev = \"pvrdma\"\n"},
        {"an SR-IOV card", nic + "ethernet0.virtualDev = \"sriov\"\n"},
        {"a host-only network", nic + "ethernet0.connectionType = \"hostonly\"\n"},
        {"a floppy without a type",
         usual + "floppy0.present = \"TRUE\"\nfloppy0.fileName = \"f.flp\"\n"},
        {"a serial port on the network without a port",
         usual +
             "serial0.present = \"TRUE\"\nserial0.fileType = \"network\"\nserial0.fileName = \"telnet://h\"\n"},
        {"a line that is no key", usual + "nonsense\n"},
        {"another config.version", "config.version = \"9\"\nvirtualHW.version = \"19\"\n" + head},
        {"old hardware", "config.version = \"8\"\nvirtualHW.version = \"3\"\n" + head},
    };
    bool compared = true;
    for (const auto& [what, text] : files) {
      CAPTURE(what);
      CHECK(read(text, "vmx").identity.name == "web-01");
      CHECK(contains(translated(text, "vmx", "libvirt"), "<name>web-01</name>"));
      const TemporaryFolder folder;
      const auto peer = libvirt_reads(folder.write("web.vmx", text));
      compared = compared && peer;
      if (!peer) continue;
      INFO(peer->output);
      CHECK(peer->status != 0);
    }
    if (!compared) skip(kNoLibvirt);
  }

  TEST_CASE("4: virt-v2v and Forklift give the guest another SMBIOS UUID") {
    const std::string vmx = vmx_text(
        kMachine + Lines{{"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"}});
    // What the guest saw on VMware from hardware version 13 on.
    constexpr std::string_view kSeen = "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122";
    CHECK(contains(translated(vmx, "vmx", "libvirt"), fmt::format("<uuid>{}</uuid>", kSeen)));
    CHECK(contains(translated(vmx, "vmx", "kubevirt"), kSeen));
    CHECK(contains(translated(vmx, "vmx", "qm"), fmt::format("uuid={}", kSeen)));
    CHECK(contains(translated(vmx, "vmx", "xl"), kSeen));
  }

  TEST_CASE("4: Windows' enlightenments, timers and the TPM are not forgotten") {
    const std::string domain = translated(vmx_text({{"displayName", "win"},
                                                    {"guestOS", "windows2019srv-64"},
                                                    {"firmware", "efi"},
                                                    {"vtpm.present", "TRUE"}}),
                                          "vmx", "libvirt");
    for (std::string_view part :
         {"<relaxed state=\"on\"", "<vapic state=\"on\"",
          "<spinlocks state=\"on\" retries=\"8191\"", "<timer name=\"hypervclock\" present=\"yes\"",
          "<timer name=\"hpet\" present=\"no\"", "<tpm model=\"tpm-crb\""})
      CHECK_MESSAGE(contains(domain, part), part);
  }

  TEST_CASE("5: virt-v2v ignores the units of an OVF's memory") {
    const std::tuple<const char*, const char*, std::uint64_t, const char*> memories[] = {
        {"4", "byte * 2^30", std::uint64_t{4} << 30, "4194304 (bytes)"},
        {"2147483648", "byte", std::uint64_t{2} << 30, "2251799813685248 (bytes)"},
    };
    bool compared = true;
    for (const auto& [quantity, units, bytes, wrong] : memories) {
      CAPTURE(units);
      const std::string ovf =
          OvfText{.head = ovf_disk_head("d.vmdk"),
                  .hardware = ovf_processors(1) + ovf_memory(quantity, units) + ovf_scsi_disk()}
              .text();
      CHECK(read(ovf, "ovf").memory.size == bytes);
      const auto peer = virt_v2v_reads_ovf(ovf);
      compared = compared && peer;
      if (!peer) continue;
      INFO(peer->output);
      CHECK(peer->status == 0);
      CHECK(contains(peer->output, wrong));
    }
    if (!compared) skip(kNoVirtV2v);
  }

  TEST_CASE("6: virt-v2v reads an OVF 2.0 and a collection as a machine without disks") {
    const std::string hardware =
        ovf_processors(2) + ovf_memory("1024", "byte * 2^20") + ovf_scsi_disk();
    const OvfText second{.namespace_uri = "http://schemas.dmtf.org/ovf/envelope/2",
                         .head = ovf_disk_head("d.vmdk"),
                         .hardware = hardware};
    const OvfText collected{.head = ovf_disk_head("d.vmdk"), .hardware = hardware};
    bool compared = true;
    for (const std::string& ovf :
         {second.text(), collected.envelope("<VirtualSystemCollection ovf:id=\"c\"><Info/>" +
                                            collected.system() + "</VirtualSystemCollection>")}) {
      const vm::Machine machine = read(ovf, "ovf");
      CHECK(machine.disks.size() == 1);
      CHECK(machine.memory.size == std::uint64_t{1} << 30);
      CHECK(machine.cpu.count == 2u);
      const auto peer = virt_v2v_reads_ovf(ovf);
      compared = compared && peer;
      if (!peer) continue;
      INFO(peer->output);
      CHECK(peer->status == 0);
      CHECK_FALSE(contains(peer->output, "[scsi]"));
      CHECK_FALSE(contains(peer->output, "1073741824"));
    }
    if (!compared) skip(kNoVirtV2v);
  }

  TEST_CASE("6: virt-v2v takes an OVF's NVMe for SATA and never reads secure boot") {
    const std::string ovf =
        OvfText{.head = ovf_disk_head("d.vmdk"),
                .hardware =
                    ovf_processors(1) + ovf_memory("1024", "byte * 2^20") +
                    ovf_item({{"Address", "0"},
                              {"InstanceID", "3"},
                              {"ResourceSubType", "vmware.nvme.controller"},
                              {"ResourceType", "20"}}) +
                    ovf_item({{"AddressOnParent", "0"},
                              {"HostResource", "ovf:/disk/d1"},
                              {"InstanceID", "4"},
                              {"Parent", "3"},
                              {"ResourceType", "17"}}) +
                    "<vmw:Config vmw:key=\"firmware\" vmw:value=\"efi\"/>"
                    "<vmw:Config vmw:key=\"bootOptions.efiSecureBootEnabled\" vmw:value=\"true\"/>"}
            .text();
    const vm::Machine machine = read(ovf, "ovf");
    CHECK(machine.disks.at(0).address.text() == "nvme0:0");
    CHECK(machine.firmware.secure_boot == true);
    CHECK(contains(translated(ovf, "ovf", "libvirt"),
                   "<feature enabled=\"yes\" name=\"secure-boot\" />"));
    const auto peer = virt_v2v_reads_ovf(ovf);
    if (!peer) return skip(kNoVirtV2v);
    INFO(peer->output);
    CHECK(peer->status == 0);
    CHECK(contains(peer->output, "[sata]"));
  }

  TEST_CASE("7: virt-v2v passes over manifests that it cannot read, however wrong their digests") {
    const std::string ovf =
        OvfText{.head = ovf_disk_head("d.vmdk"),
                .hardware = ovf_processors(1) + ovf_memory("1024", "byte * 2^20") + ovf_scsi_disk()}
            .text();
    const std::string lines[] = {
        fmt::format("SHA512(d.vmdk)= {}\n", std::string(128, '0')),
        fmt::format("SHA256 (d.vmdk) = {}\n", std::string(64, '0')),
        fmt::format("SHA256(d.vmdk)={}\n", std::string(64, '0')),
        fmt::format("sha256(d.vmdk)= {}\n", std::string(64, '0')),
    };
    for (const std::string& line : lines) {
      CAPTURE(line);
      const TemporaryFolder folder;
      make_disks(folder, {"d.vmdk"});
      folder.write("web.ovf", ovf);
      folder.write("web.mf", line);
      const Package package = must(Package::open(folder / "web.ovf"));
      CHECK(outcome(package.verify_manifest()) == "ChecksumMismatch");
      const auto peer = virt_v2v_reads("ova", folder.path());
      if (!peer) return skip(kNoVirtV2v);
      INFO(peer->output);
      CHECK(peer->status == 0);
    }
  }

  TEST_CASE("8: virt-v2v's KubeVirt manifests have fields that KubeVirt does not know") {
    const std::string manifest =
        translated(vmx_text(kMachine + Lines{{"firmware", "efi"}} + scsi_disk(0, "d.vmdk") +
                            nic(0, "Prod", "00:50:56:01:02:03")),
                   "vmx", "kubevirt");
    // secureBoot is on where it is left out, and KubeVirt refuses it without SMM.
    CHECK(contains(manifest, "secureBoot: false"));
    CHECK(contains(manifest, "threads: 1"));
    for (std::string_view wrong : {"thread: ", "resources:\n            clock",
                                   "resources:\n            features", "- networkName:"})
      CHECK_FALSE_MESSAGE(contains(manifest, wrong), wrong);
    // That KubeVirt's own schema takes every manifest is tested with the writers.
  }

  TEST_CASE("9: six CPUs in sockets of four: peers make a topology that QEMU refuses") {
    const std::string vmx =
        vmx_text(kMachine + Lines{{"numvcpus", "6"}, {"cpuid.coresPerSocket", "4"}} +
                 scsi_disk(0, "d.vmdk"));
    CHECK(contains(translated(vmx, "vmx", "libvirt"),
                   "<topology sockets=\"1\" cores=\"6\" threads=\"1\" />"));
    const TemporaryFolder folder;
    make_disks(folder, {"d.vmdk"});
    const std::string path = folder.write("web.vmx", vmx);
    const auto libvirt = libvirt_reads(path);
    const auto virt_v2v = virt_v2v_reads("vmx", path);
    if (libvirt) CHECK(contains(libvirt->output, "cores='4'"));
    if (virt_v2v) {
      INFO(virt_v2v->output);
      CHECK(contains(virt_v2v->output, "sockets: 1 cores/socket: 4"));
    }
    if (!libvirt) return skip(kNoLibvirt);
    if (!virt_v2v) return skip(kNoVirtV2v);
  }

  TEST_CASE("10: libvirt writes the generation id's bytes in the wrong order") {
    const std::string vmx =
        vmx_text(kMachine +
                 Lines{{"vm.genid", "3571931312318586993"}, {"vm.genidX", "-7228421340243748985"}} +
                 scsi_disk(0, "d.vmdk"));
    // The lower half in memory is 71 20 d8 88 9a 0c 92 31, and so the guest's first field
    // 0x88d82071.
    constexpr std::string_view kRight = "88d82071-0c9a-3192";
    CHECK(contains(translated(vmx, "vmx", "libvirt"), fmt::format("<genid>{}", kRight)));
    const TemporaryFolder folder;
    make_disks(folder, {"d.vmdk"});
    const std::string path = folder.write("web.vmx", vmx);
    const auto libvirt = libvirt_reads(path);
    const auto virt_v2v = virt_v2v_reads("vmx", path);
    if (libvirt) CHECK(contains(libvirt->output, "<genid>31920c9a-88d8-2071"));
    if (!libvirt) return skip(kNoLibvirt);
    if (!virt_v2v) return skip(kNoVirtV2v);
    INFO(virt_v2v->output);
    CHECK(contains(virt_v2v->output, kRight));
  }

  TEST_CASE("11: UEFI without a word on secure boot switches it on") {
    const std::string vmx = vmx_text(kMachine + Lines{{"firmware", "efi"}});
    CHECK(contains(translated(vmx, "vmx", "libvirt"),
                   "<feature enabled=\"no\" name=\"secure-boot\" />"));
    // What libvirt makes of such a domain, either way, is tested by starting it.
  }
}
