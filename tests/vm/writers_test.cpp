// The writers beside libvirt's, and what independent checkers say of their documents.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "support/command.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

Lines full_machine(const std::string& guest, const std::string& firmware) {
  return Lines{{"displayName", "Web/01: |22x|22 <&>"},
               {"guestOS", guest},
               {"firmware", firmware},
               {"annotation", "a: b|0A- c |22"},
               {"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"},
               {"vm.genid", "1"},
               {"vm.genidX", "2"},
               {"numvcpus", "6"},
               {"cpuid.coresPerSocket", "4"},
               {"uefi.secureBoot.enabled", "TRUE"},
               {"vtpm.present", "TRUE"},
               {"sata0.present", "TRUE"},
               {"sata0:1.present", "TRUE"},
               {"sata0:1.deviceType", "cdrom-raw"},
               {"scsi0:1.present", "TRUE"},
               {"scsi0:1.fileName", "b.vmdk"},
               {"scsi0:1.sharing", "multi-writer"},
               {"guestinfo.userdata", "x"},
               {"sound.present", "TRUE"}} +
         scsi_disk(0, "a.vmdk") + nic(0, "Prod", "00:50:56:01:02:03") +
         nic(1, "Unmapped", "00:0c:29:01:02:04") + nic(2, "Unmapped", "52:54:00:01:02:05");
}

std::string written(const Lines& lines, vm::TranslateOptions options) {
  auto definition = vm::parse(vmx_text(lines), {.dialect = "vmx"});
  if (!definition) FAIL(definition.error().describe());
  auto translation = vm::translate(*definition, options);
  if (!translation) FAIL(translation.error().describe());
  return translation->documents.at(0).text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

vm::TranslateOptions options_for(const std::string& dialect, const std::string& profile = {}) {
  vm::TranslateOptions options{.dialect = dialect, .profile = profile};
  options.networks["Prod"] = dialect == "kubevirt" ? vm::NetworkTarget{.multus = "ns/prod"}
                                                   : vm::NetworkTarget{.bridge = "br7", .vlan = 7};
  return options;
}

std::string shared_data() {
  const char* folder = std::getenv("VMLIFT_SHARED_DATA");
  return folder != nullptr
             ? folder
             : std::filesystem::path(__FILE__).parent_path().string() + "/../../../shared/data";
}

}  // namespace

TEST_SUITE("writers") {
  TEST_CASE("KubeVirt manifests keep MACs, put unmapped NICs down and state secure boot") {
    const std::string text = written(full_machine("rhel9-64", "efi"), options_for("kubevirt"));
    CHECK(contains(text, "name: \"web-01-x\""));
    CHECK(contains(text, "macAddress: \"00:50:56:01:02:03\""));
    CHECK(contains(text, "macAddress: \"52:54:00:01:02:05\""));
    CHECK(contains(text, "networkName: \"ns/prod\""));
    CHECK(contains(text, "state: \"down\""));
    CHECK(contains(text, "secureBoot: true"));
    CHECK(contains(text, "smm:"));
    const std::string plain =
        written({{"displayName", "m"}, {"firmware", "efi"}}, options_for("kubevirt"));
    CHECK(contains(plain, "secureBoot: false"));
    CHECK_FALSE(contains(plain, "smm:"));
    // One pod network is all there is.
    const auto first = text.find("pod: {}");
    REQUIRE(first != std::string::npos);
    CHECK(text.find("pod: {}", first + 1) == std::string::npos);
  }

  TEST_CASE("Calico's annotations are written when addresses are given") {
    vm::TranslateOptions options{.dialect = "kubevirt",
                                 .decisions = {{"static-addresses", "10.0.0.5,10.0.0.6"}}};
    const std::string text =
        written(Lines{{"displayName", "m"}} + nic(0, "n", "00:50:56:01:02:03"), options);
    CHECK(contains(text, R"(cni.projectcalico.org/ipAddrs: "[\"10.0.0.5\",\"10.0.0.6\"]")"));
    CHECK(contains(text, R"(cni.projectcalico.org/hwAddr: "00:50:56:01:02:03")"));
  }

  TEST_CASE("KubeVirt's own description of its API accepts every manifest") {
    const std::string checker = shared_data() + "/kubevirt/openapi_check.py";
    if (!std::filesystem::exists(checker)) return skip("no " + checker + " (VMLIFT_SHARED_DATA)");
    if (run_command({"python3", "-c", "import yaml"}).status != 0)
      return skip("python3 has no yaml");
    const TemporaryFolder folder;
    std::vector<std::string> command{"python3", checker};
    for (const char* guest : {"rhel9-64", "windows9-64", "winxppro"})
      for (const char* firmware : {"bios", "efi"})
        for (const char* profile : {"boot-safe", "tuned", "vmware-compat"}) {
          vm::TranslateOptions options = options_for("kubevirt", profile);
          if (std::string_view(profile) == "tuned")
            options.disks["a.vmdk"] = options.disks["b.vmdk"] = {
                .path = "claim", .format = "raw", .capacity = std::uint64_t{8} << 30};
          command.push_back(folder.write(fmt::format("{}-{}-{}.yaml", guest, firmware, profile),
                                         written(full_machine(guest, firmware), options)));
        }
    const CommandResult checked = run_command(command);
    INFO(checked.output);
    CHECK(checked.status == 0);
  }

  TEST_CASE("DMTF's schema accepts every OVF") {
    const std::string schema = shared_data() + "/ovf-schema/DSP8023.xsd";
    if (!std::filesystem::exists(schema)) return skip("no " + schema + " (VMLIFT_SHARED_DATA)");
    if (!have_command("xmllint")) return skip("xmllint is absent (libxml2-utils)");
    const TemporaryFolder folder;
    for (const char* guest : {"rhel9-64", "windows9-64", "other"})
      for (const char* firmware : {"bios", "efi"}) {
        const std::string path =
            folder.write("x.ovf", written(full_machine(guest, firmware), options_for("ovf")));
        const CommandResult checked =
            run_command({"xmllint", "--nonet", "--noout", "--schema", schema, path});
        INFO(checked.output);
        CHECK(checked.status == 0);
      }
  }

  TEST_CASE("a VMX for a KVM guest says what VMware needs to know") {
    const std::string domain =
        "<domain type='kvm'><name>db</name><uuid>5a0e4d56-622a-3c8b-7f3c-86d44e5c1122</uuid><memory unit='GiB'>2</memory><vcpu>2</vcpu>"
        "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><firmware><feature enabled='no' name='secure-boot'/></firmware></os>"
        "<metadata><libosinfo:libosinfo xmlns:libosinfo='l'><libosinfo:os id='http://redhat.com/rhel/9.2'/></libosinfo:libosinfo></metadata>"
        "<devices><disk type='file' device='disk'><driver type='qcow2'/><source file='/images/db.qcow2'/><target dev='vda' bus='virtio'/></disk>"
        "<disk type='file' device='disk'><source file='/images/log.qcow2'/><target dev='sda' bus='sata'/></disk>"
        "<interface type='bridge'><mac address='52:54:00:01:02:03'/><source bridge='br0'/><model type='virtio'/></interface></devices></domain>";
    const auto definition = vm::parse(domain, {});
    REQUIRE(definition);
    CHECK(definition->dialect == "libvirt");
    const auto translation = vm::translate(*definition, {.dialect = "vmx"});
    REQUIRE(translation);
    const std::string& text = translation->documents[0].text;
    for (std::string_view line :
         {"virtualHW.version = \"19\"", "guestOS = \"rhel9-64\"", "firmware = \"efi\"",
          "uefi.secureBoot.enabled = \"FALSE\"",
          "uuid.bios = \"56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22\"",
          "scsi0.virtualDev = \"pvscsi\"", "scsi0:0.fileName = \"db.vmdk\"",
          "sata0:0.fileName = \"log.vmdk\"", "ethernet0.virtualDev = \"vmxnet3\"",
          "ethernet0.address = \"52:54:00:01:02:03\"", "ethernet0.checkMACAddress = \"FALSE\"",
          "floppy0.present = \"FALSE\""})
      CHECK_MESSAGE(contains(text, line), line);
  }

  TEST_CASE("Proxmox, OpenStack and Xen get what they have words for") {
    const Lines machine = full_machine("windows9-64", "efi");
    const std::string qm = written(machine, options_for("qm"));
    CHECK(contains(qm, "bios: ovmf\n"));
    CHECK(contains(qm, "net0: e1000e=00:50:56:01:02:03,bridge=br7,tag=7\n"));
    CHECK(contains(qm, "net1: e1000e=00:0c:29:01:02:04,link_down=1\n"));
    CHECK(contains(qm, "smbios1: uuid=5a0e4d56-622a-3c8b-7f3c-86d44e5c1122"));
    CHECK(contains(qm, "localtime: 1\n"));
    CHECK(contains(qm, "boot: order=sata0;sata1;ide2\n"));
    const std::string openstack = written(machine, options_for("openstack"));
    CHECK(contains(openstack, "\"hw_firmware_type\": \"uefi\""));
    CHECK(contains(openstack, "\"os_secure_boot\": \"required\""));
    const std::string xl = written(machine, options_for("xl"));
    CHECK(contains(xl, "bios = \"ovmf\""));
    CHECK(contains(xl, "mac=00:50:56:01:02:03,bridge=br7"));
  }

  TEST_CASE("concerns are found with their severity") {
    const auto definition = vm::parse(
        vmx_text(full_machine("winxppro", "efi") +
                 Lines{{"pciPassthru0.present", "TRUE"}, {"scsi0:0.deviceType", "rawDisk"}}),
        {.dialect = "vmx"});
    REQUIRE(definition);
    const std::vector<vm::Concern> concerns = vm::assess(*definition);
    const auto severity = [&](std::string_view id) {
      for (const vm::Concern& concern : concerns)
        if (concern.id == id) return std::string(vm::severity_name(concern.severity));
      return std::string("none");
    };
    CHECK(severity("disk.raw-mapping") == "blocker");
    CHECK(severity("disk.shared") == "blocker");
    CHECK(severity("device.passthrough") == "blocker");
    CHECK(severity("tpm") == "warning");
    CHECK(severity("os.unsupported") == "warning");
    CHECK(severity("disk.change-tracking-off") == "info");
    CHECK(severity("machine.suspended") == "none");
    CHECK(concerns.front().severity == vm::Severity::blocker);
  }

  TEST_CASE("what the host cannot do is not asked of it") {
    vm::TranslateOptions options = options_for("libvirt", "tuned");
    options.capabilities =
        "<domainCapabilities><machine>pc-q35-7.2</machine><devices><disk supported='yes'><enum name='bus'><value>sata</value><value>scsi</value></enum></disk>"
        "<video supported='yes'><enum name='modelType'><value>vga</value></enum></video></devices></domainCapabilities>";
    const std::string text = written(full_machine("rhel9-64", "bios"), options);
    CHECK(contains(text, "bus=\"sata\""));
    CHECK_FALSE(contains(text, "bus=\"virtio\" />"));
    CHECK(contains(text, "model type=\"vga\""));
    options.capabilities =
        "<domainCapabilities><os supported='yes'><enum name='firmware'><value>bios</value></enum></os>"
        "<cpu><mode name='host-passthrough' supported='yes'/><mode name='host-model' supported='no'/></cpu>"
        "</domainCapabilities>";
    CHECK_FALSE(contains(written(full_machine("rhel9-64", "bios"), options), "host-model"));
    const auto definition =
        vm::parse(vmx_text(full_machine("rhel9-64", "efi")), {.dialect = "vmx"});
    REQUIRE(definition);
    const auto translation = vm::translate(*definition, options);
    REQUIRE(translation);
    for (const vm::Decision& decision : translation->report.decisions)
      if (decision.name == "firmware") CHECK(contains(decision.reason, "install OVMF"));
  }
}
