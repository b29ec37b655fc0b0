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

/// Every disk is a small image in `folder`; the machine has one on each bus that the writer knows.
std::string domain_text(const std::string& guest, const std::string& firmware,
                        const std::string& profile, const TemporaryFolder& folder) {
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
  auto definition = vm::parse(vmx_text(lines), {.dialect = "vmx"});
  if (!definition) FAIL(definition.error().describe());
  vm::TranslateOptions options{.dialect = "libvirt", .profile = profile, .hypervisor = "qemu"};
  for (const char* disk : {"ide", "lsi", "sas", "pv"})
    options.disks[std::string(disk) + ".vmdk"] = {.path = folder / (std::string(disk) + ".qcow2"),
                                                  .format = "qcow2",
                                                  .capacity = {},
                                                  .stored_size = {}};
  auto translation = vm::translate(*definition, options);
  if (!translation) FAIL(translation.error().describe());
  return translation->documents.at(0).text;
}

}  // namespace

TEST_SUITE("libvirt starts") {
  TEST_CASE("every profile starts with every firmware, secure boot and TPM too") {
    if (const std::string reason = missing(); !reason.empty()) return skip(reason);
    const TemporaryFolder folder;
    // Without a mount namespace: the folder may lie under /dev/shm, which libvirt would move.
    folder.write(
        "root/etc/qemu.conf",
        "namespaces = []\nstdio_handler = \"file\"\nswtpm_user = \"root\"\nuser = \"root\"\ngroup = \"root\"\n");
    for (const char* disk : {"ide", "lsi", "sas", "pv"})
      REQUIRE(run_command({"qemu-img", "create", "-q", "-f", "qcow2",
                           folder / (std::string(disk) + ".qcow2"), "16M"})
                  .status == 0);
    const std::string connection = "qemu:///embed?root=" + folder.path() + "/root";
    for (const char* profile : {"boot-safe", "tuned", "vmware-compat"})
      for (const auto& [guest, firmware] :
           std::vector<std::pair<std::string, std::string>>{{"rhel9-64", "bios"},
                                                            {"rhel9-64", "efi"},
                                                            {"windows9-64", "secure"},
                                                            {"winxppro", "bios"}}) {
        CAPTURE(profile);
        CAPTURE(guest);
        CAPTURE(firmware);
        const std::string path =
            folder.write("domain.xml", domain_text(guest, firmware, profile, folder));
        const CommandResult started = run_command(
            {"virsh", "-q", "-c", connection,
             "define --validate " + path + "; start guest; domstate guest; destroy guest"});
        INFO(started.output);
        CHECK(started.status == 0);
        CHECK(started.output.find("running") != std::string::npos);
        run_command({"virsh", "-q", "-c", connection, "undefine", "guest", "--nvram"});
      }
  }
}
