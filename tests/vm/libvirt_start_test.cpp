// Domains that libvirt defines and QEMU starts: what the schema cannot tell. A libvirt of its
// own runs inside virsh, without daemon and without KVM.
#include <doctest/doctest.h>
#include <unistd.h>

#include "support/command.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Why an embedded libvirt cannot run here, "" if it can.
std::string missing() {
  if (geteuid() != 0) return "an embedded libvirt wants root";
  for (const char* program : {"virsh", "qemu-system-x86_64", "qemu-img", "swtpm"})
    if (!have_command(program)) return std::string(program) + " is absent";
  if (run_command({"getent", "passwd", "libvirt-qemu"}).status != 0)
    return "there is no user libvirt-qemu (libvirt-daemon-system)";
  if (access("/usr/share/OVMF/OVMF_CODE_4M.fd", R_OK) != 0) return "OVMF is absent (ovmf)";
  return {};
}

struct More {
  bool hot_add = false;
  std::string capabilities{};
};

/// Every disk is a small image in `folder`; the machine has one on each bus that the writer knows.
std::string domain_text(const std::string& guest, const std::string& firmware,
                        const std::string& profile, const TemporaryFolder& folder,
                        const More& more = {}) {
  const bool efi = firmware != "bios";
  Lines lines = Lines{{"displayName", "guest"},
                      {"guestOS", guest},
                      {"memsize", "256"},
                      {"numvcpus", "2"},
                      {"cpuid.coresPerSocket", "2"},
                      {"firmware", efi ? "efi" : "bios"},
                      {"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"},
                      {"vm.genid", "1"},
                      {"vm.genidX", "2"},
                      {"sata0.present", "TRUE"},
                      {"sata0:0.present", "TRUE"},
                      {"sata0:0.deviceType", "cdrom-raw"},
                      {"ide1:0.present", "TRUE"},
                      {"ide1:0.fileName", "ide.vmdk"},
                      {"scsi1.present", "TRUE"},
                      {"scsi1.virtualDev", "lsilogic"},
                      {"scsi1:3.present", "TRUE"},
                      {"scsi1:3.fileName", "lsi.vmdk"},
                      {"scsi2.present", "TRUE"},
                      {"scsi2.virtualDev", "lsisas1068"},
                      {"scsi2:1.present", "TRUE"},
                      {"scsi2:1.fileName", "sas.vmdk"},
                      {"watchdog.present", "TRUE"},
                      {"serial0.present", "TRUE"},
                      {"sound.present", "TRUE"}} +
                scsi_disk(5, "pv.vmdk") + nic(0, "a", "00:50:56:01:02:03") +
                nic(1, "b", "00:0c:29:01:02:04") + Lines{{"ethernet1.virtualDev", "vlance"}};
  if (firmware == "secure") lines.emplace_back("uefi.secureBoot.enabled", "TRUE");
  if (efi) lines.emplace_back("vtpm.present", "TRUE");
  if (more.hot_add) lines = lines + Lines{{"vcpu.hotadd", "TRUE"}, {"mem.hotadd", "TRUE"}};
  auto definition = vm::parse(vmx_text(lines), {.dialect = "vmx"});
  if (!definition) FAIL(definition.error().describe());
  vm::TranslateOptions options{.dialect = "libvirt", .profile = profile, .hypervisor = "qemu"};
  if (more.hot_add) options.decisions["hot-add"] = "yes";
  options.capabilities = more.capabilities;
  for (const char* disk : {"ide", "lsi", "sas", "pv"})
    options.disks[std::string(disk) + ".vmdk"] = {.path = folder / (std::string(disk) + ".qcow2"),
                                                  .format = "qcow2"};
  auto translation = vm::translate(*definition, options);
  if (!translation) FAIL(translation.error().describe());
  return translation->documents.at(0).text;
}

/// A libvirt of its own in a folder, with the images of the disks.
class EmbeddedLibvirt {
 public:
  EmbeddedLibvirt() {
    // Without a mount namespace: the folder may lie under /dev/shm, which libvirt would move. With
    // ports of its own: two libvirts that look for a free port at once find the same one.
    const int first_port = 5900 + getpid() % 500 * 100;
    folder.write("root/etc/qemu.conf",
                 "namespaces = []\nstdio_handler = \"file\"\n"
                 "swtpm_user = \"root\"\nuser = \"root\"\ngroup = \"root\"\n"
                 "remote_display_port_min = " +
                     std::to_string(first_port) +
                     "\nremote_display_port_max = " + std::to_string(first_port + 99) + "\n");
    for (const char* disk : {"ide", "lsi", "sas", "pv"})
      REQUIRE(run_command({"qemu-img", "create", "-q", "-f", "qcow2",
                           folder / (std::string(disk) + ".qcow2"), "16M"})
                  .status == 0);
  }

  CommandResult virsh(const std::string& commands) const {
    return run_command(
        {"virsh", "-q", "-c", "qemu:///embed?root=" + folder.path() + "/root", commands});
  }

  /// Defines the domain, which is called "guest", with validation, and starts it.
  void check_starts(const std::string& domain) const {
    const std::string path = folder.write("domain.xml", domain);
    const CommandResult started =
        virsh("define --validate " + path + "; start guest; domstate guest; destroy guest");
    INFO(started.output);
    CHECK(started.status == 0);
    CHECK(started.output.find("running") != std::string::npos);
    virsh("undefine guest --nvram");
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_SUITE("libvirt starts") {
  TEST_CASE("every profile starts with every firmware, secure boot and TPM too") {
    if (const std::string reason = missing(); !reason.empty()) return skip(reason);
    const EmbeddedLibvirt libvirt;
    for (const char* profile : {"boot-safe", "tuned", "vmware-compat"})
      for (const auto& [guest, firmware] :
           std::vector<std::pair<std::string, std::string>>{{"rhel9-64", "bios"},
                                                            {"rhel9-64", "efi"},
                                                            {"windows9-64", "secure"},
                                                            {"winxppro", "bios"}}) {
        CAPTURE(profile);
        CAPTURE(guest);
        CAPTURE(firmware);
        libvirt.check_starts(domain_text(guest, firmware, profile, libvirt.folder));
      }
  }

  TEST_CASE("a machine that can grow starts, and one made for what this host says of itself") {
    if (const std::string reason = missing(); !reason.empty()) return skip(reason);
    const EmbeddedLibvirt libvirt;
    libvirt.check_starts(
        domain_text("rhel9-64", "bios", "tuned", libvirt.folder, {.hot_add = true}));
    const CommandResult host =
        libvirt.virsh("domcapabilities --virttype qemu --arch x86_64 --machine q35");
    INFO(host.output);
    REQUIRE(host.status == 0);
    libvirt.check_starts(domain_text("windows9-64", "secure", "tuned", libvirt.folder,
                                     {.capabilities = host.output}));
  }
}
