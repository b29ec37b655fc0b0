// The mapping of concepts, row by row: what each key of a source becomes in each target. A row
// that says "writes" is believed only if the text is there because of the row's lines.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/outcome.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// What becomes of a row in one target.
struct Fate {
  enum class Kind { writes, has, drops, asks } kind;
  std::string text;  ///< of the document, the reason, or the action
};
/// The document has the text, and without the row's lines it has not.
Fate writes(std::string text) { return {Fate::Kind::writes, std::move(text)}; }
/// The document has the text anyway: the row agrees with what is the target's rule.
Fate has(std::string text) { return {Fate::Kind::has, std::move(text)}; }
Fate drops(std::string reason) { return {Fate::Kind::drops, std::move(reason)}; }
Fate asks(std::string action) { return {Fate::Kind::asks, std::move(action)}; }

struct Row {
  std::string about;
  Lines lines;  ///< the last line's key is the one whose fate is told
  Fate libvirt;
  Fate kubevirt;
  Fate ovf;
  Fate vmx;
  Lines decisions = {};
  std::string profile = {};
};

const Lines kBase{{"displayName", "web-01"}, {"guestOS", "rhel9-64"}};

Lines disk(const Lines& more = {}) { return scsi_disk(0, "a.vmdk") + more; }
Lines card(const Lines& more = {}) { return nic(0, "Prod", "00:50:56:01:02:03") + more; }

constexpr const char* kSlots = "PCI slots are given anew";
constexpr const char* kVmwareOnly = "a device that only VMware has";

std::vector<Row> rows() {
  return {
      // identity
      {"name",
       {{"displayName", "db/02"}},
       writes("<title>db/02</title>"),
       writes(R"(source-name: "db/02")"),
       writes("<Name>db/02</Name>"),
       writes("displayName = \"db%2f02\"")},
      {"SMBIOS UUID",
       {{"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"}},
       writes("<uuid>5a0e4d56-622a-3c8b-7f3c-86d44e5c1122</uuid>"),
       writes("5a0e4d56-622a-3c8b-7f3c-86d44e5c1122"),
       writes("vmw:value=\"564d0e5a-2a62-8b3c-7f3c-86d44e5c1122\""),
       writes("uuid.bios = \"56 4d 0e 5a")},
      {"instance UUID",
       {{"vc.uuid", "50 2d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"}},
       writes("<vmlift:instance uuid=\"502d0e5a-"),
       writes("vmlift/instance-uuid"),
       writes("vmw:key=\"vc.uuid\" vmw:value=\"502d0e5a-"),
       writes("vc.uuid = \"50 2d 0e 5a")},
      {"serial number",
       {{"serialNumber", "SN-1"}},
       writes("<entry name=\"serial\">SN-1</entry>"),
       writes(R"(serial: "SN-1")"),
       writes("vmw:value=\"SN-1\""),
       writes("serialNumber = \"SN-1\"")},
      {"generation id",
       {{"vm.genidX", "2"}, {"vm.genid", "1"}},
       writes("<genid>00000001-0000-0000-0200-000000000000</genid>"),
       writes("vmlift/generation-id"),
       writes("vmw:key=\"vm.genid\" vmw:value=\"1\""),
       writes("vm.genid = \"1\"")},
      {"note",
       {{"annotation", "two|0Alines"}},
       writes("<description>two\nlines</description>"),
       writes("description: \"two\\nlines\""),
       writes("<Annotation>two\nlines</Annotation>"),
       writes("annotation = \"two|0Alines\"")},
      {"guest system",
       {{"guestOS", "windows2019srv-64"}},
       writes("http://microsoft.com/win/2k19"),
       writes(R"(vmlift/guest-os: "windows2019srv-64")"),
       writes("vmw:osType=\"windows2019srv_64Guest\""),
       writes("guestOS = \"windows2019srv-64\"")},
      // memory
      {"memory",
       {{"memsize", "8192"}},
       writes("<memory unit=\"KiB\">8388608</memory>"),
       writes(R"(guest: "8192Mi")"),
       writes("<rasd:VirtualQuantity>8192</rasd:VirtualQuantity>"),
       writes("memSize = \"8192\"")},
      {"limit of memory",
       {{"sched.mem.max", "2048"}},
       drops("a limit must not lower the memory"),
       drops("a limit must not lower the memory"),
       writes("<rasd:Limit>2048</rasd:Limit>"),
       writes("sched.mem.max = \"2048\"")},
      {"reservation of memory",
       {{"sched.mem.min", "1024"}},
       drops("belong to the source's hosts"),
       drops("belong to the source's hosts"),
       writes("<rasd:Reservation>1024</rasd:Reservation>"),
       writes("sched.mem.min = \"1024\"")},
      {"shares of memory",
       {{"sched.mem.shares", "high"}},
       drops("VMware's scale"),
       drops("VMware's scale"),
       writes("vmw:key=\"memoryAllocation.shares.level\" vmw:value=\"high\""),
       writes("sched.mem.shares = \"high\"")},
      {"pinned memory",
       {{"sched.mem.pin", "TRUE"}},
       drops("--set memory-lock=yes"),
       drops("not locked"),
       writes("vmw:key=\"memoryReservationLockedToMax\" vmw:value=\"true\""),
       writes("sched.mem.pin = \"TRUE\"")},
      {"pinned memory, asked for",
       {{"sched.mem.pin", "TRUE"}},
       writes("<locked />"),
       drops("not locked"),
       writes("memoryReservationLockedToMax"),
       writes("sched.mem.pin"),
       {{"memory-lock", "yes"}}},
      {"memory added while running",
       {{"mem.hotadd", "TRUE"}},
       drops("--set hot-add=yes"),
       drops("hot-add is off"),
       writes("vmw:key=\"memoryHotAddEnabled\" vmw:value=\"true\""),
       writes("mem.hotadd = \"TRUE\"")},
      {"memory added while running, asked for",
       {{"mem.hotadd", "TRUE"}},
       writes("<maxMemory slots=\"16\""),
       writes(R"(maxGuest: "64Mi")"),
       writes("memoryHotAddEnabled"),
       writes("mem.hotadd"),
       {{"hot-add", "yes"}}},
      // processors
      {"processors",
       {{"numvcpus", "6"}},
       writes("<vcpu placement=\"static\">6</vcpu>"),
       writes("cores: 6"),
       writes("<rasd:VirtualQuantity>6</rasd:VirtualQuantity>"),
       writes("numvcpus = \"6\"")},
      {"cores of a socket",
       {{"numvcpus", "6"}, {"cpuid.coresPerSocket", "3"}},
       writes("sockets=\"2\" cores=\"3\""),
       writes("cores: 3"),
       writes("CoresPerSocket ovf:required=\"false\">3<"),
       writes("cpuid.coresPerSocket = \"3\"")},
      {"cores that do not fill their sockets",
       {{"numvcpus", "6"}, {"cpuid.coresPerSocket", "4"}},
       writes("sockets=\"1\" cores=\"6\""),
       writes("cores: 6"),
       writes("CoresPerSocket ovf:required=\"false\">4<"),
       writes("cpuid.coresPerSocket = \"4\"")},
      {"processors added while running",
       {{"vcpu.hotadd", "TRUE"}},
       drops("hot-add is off"),
       drops("hot-add is off"),
       writes("vmw:key=\"cpuHotAddEnabled\" vmw:value=\"true\""),
       writes("vcpu.hotadd = \"TRUE\"")},
      {"processors added while running, asked for",
       {{"numvcpus", "4"}, {"vcpu.hotadd", "TRUE"}},
       writes("<vcpu placement=\"static\" current=\"4\">8</vcpu>"),
       writes("maxSockets: 2"),
       writes("cpuHotAddEnabled"),
       writes("vcpu.hotadd"),
       {{"hot-add", "yes"}}},
      {"affinity",
       {{"sched.cpu.affinity", "0,2"}},
       drops("--set cpu-affinity=yes"),
       drops("the CPUs of another host"),
       drops("the CPUs of another host"),
       writes("sched.cpu.affinity = \"0,2\"")},
      {"affinity, asked for",
       {{"sched.cpu.affinity", "0,2"}},
       writes("cpuset=\"0,2\""),
       drops("the CPUs of another host"),
       drops("the CPUs of another host"),
       writes("sched.cpu.affinity"),
       {{"cpu-affinity", "yes"}}},
      {"shares of processors",
       {{"sched.cpu.shares", "high"}},
       drops("--set cpu-shares=yes"),
       drops("VMware's scale"),
       writes("vmw:key=\"cpuAllocation.shares.level\" vmw:value=\"high\""),
       writes("sched.cpu.shares = \"high\"")},
      {"shares of processors, asked for",
       {{"numvcpus", "2"}, {"sched.cpu.shares", "high"}},
       writes("<shares>4096</shares>"),
       drops("VMware's scale"),
       writes("cpuAllocation.shares.level"),
       writes("sched.cpu.shares"),
       {{"cpu-shares", "yes"}}},
      {"reserved processor time, shares asked for",
       {{"sched.cpu.shares", "high"}, {"sched.cpu.min", "500"}},
       drops("MHz of the source's hosts"),
       drops("MHz of the source's hosts"),
       writes("<rasd:Reservation>500</rasd:Reservation>"),
       writes("sched.cpu.min = \"500\""),
       {{"cpu-shares", "yes"}}},
      {"limit of processor time",
       {{"sched.cpu.max", "900"}},
       drops("MHz of the source's hosts"),
       drops("MHz of the source's hosts"),
       writes("<rasd:Limit>900</rasd:Limit>"),
       writes("sched.cpu.max = \"900\"")},
      {"latency",
       {{"sched.cpu.latencySensitivity", "high"}},
       drops("pin CPUs"),
       drops("pin CPUs"),
       drops("pin CPUs"),
       writes("sched.cpu.latencySensitivity = \"high\"")},
      {"NUMA",
       {{"numa.vcpu.maxPerVirtualNode", "4"}},
       drops("NUMA"),
       drops("NUMA"),
       drops("NUMA"),
       writes("numa.vcpu.maxPerVirtualNode = \"4\"")},
      {"CPU mask",
       {{"cpuid.1.ecx", "----:0---:----:----:----:----:----:----"}},
       drops("CPU masks"),
       drops("CPU masks"),
       drops("CPU masks"),
       writes("cpuid.1.ecx = ")},
      {"nested virtualisation",
       {{"vhv.enable", "TRUE"}},
       has("<cpu mode=\"host-model\""),
       has(R"(model: "host-model")"),
       writes("vmw:key=\"nestedHVEnabled\" vmw:value=\"true\""),
       writes("vhv.enable = \"TRUE\"")},
      {"an IOMMU for the guest",
       {{"vvtd.enable", "TRUE"}},
       asks("IOMMU"),
       asks("IOMMU"),
       writes("vmw:key=\"flags.vvtdEnabled\" vmw:value=\"true\""),
       writes("vvtd.enable = \"TRUE\"")},
      {"virtualisation based security",
       {{"windows.vbs.enabled", "TRUE"}},
       asks("nested virtualisation"),
       asks("nested virtualisation"),
       writes("vmw:key=\"flags.vbsEnabled\" vmw:value=\"true\""),
       writes("windows.vbs.enabled = \"TRUE\"")},
      // firmware
      {"UEFI",
       {{"firmware", "efi"}},
       writes("<os firmware=\"efi\">"),
       writes("efi:"),
       writes("vmw:key=\"firmware\" vmw:value=\"efi\""),
       writes("firmware = \"efi\"")},
      {"BIOS",
       {{"firmware", "bios"}},
       has("machine=\"q35\">hvm</type>"),
       has("bios: {}"),
       has("vmw:key=\"firmware\" vmw:value=\"bios\""),
       has("firmware = \"bios\"")},
      {"secure boot",
       {{"firmware", "efi"}, {"uefi.secureBoot.enabled", "TRUE"}},
       writes("<feature enabled=\"yes\" name=\"secure-boot\" />"),
       writes("secureBoot: true"),
       writes("vmw:key=\"bootOptions.efiSecureBootEnabled\" vmw:value=\"true\""),
       writes("uefi.secureBoot.enabled = \"TRUE\"")},
      {"variable store",
       {{"firmware", "efi"}, {"nvram", "web.nvram"}},
       asks("BOOTX64.EFI"),
       asks("BOOTX64.EFI"),
       drops("VMware makes a new variable store"),
       writes("nvram = \"web.nvram\"")},
      {"TPM",
       {{"firmware", "efi"}, {"vtpm.present", "TRUE"}},
       asks("recovery keys of BitLocker"),
       asks("recovery keys of BitLocker"),
       asks("recovery keys of BitLocker"),
       asks("recovery keys of BitLocker")},
      {"order of disks",
       disk({{"scsi0:1.present", "TRUE"},
             {"scsi0:1.fileName", "b.vmdk"},
             {"bios.hddOrder", "scsi0:1,scsi0:0"}}),
       writes("<boot order=\"2\" />"), writes("bootOrder: 2"),
       writes("vmw:key=\"bios.hddOrder\" vmw:value=\"scsi0:1,scsi0:0\""),
       writes("bios.hddOrder = \"scsi0:1,scsi0:0\"")},
      // storage
      {"SCSI controller, boot-safe", disk({{"scsi0.virtualDev", "pvscsi"}}),
       drops("nothing hangs on it"), drops("KubeVirt makes its controllers itself"),
       writes("<rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>"),
       writes("scsi0.virtualDev = \"pvscsi\"")},
      {"SCSI controller, vmware-compat",
       disk({{"scsi0.virtualDev", "pvscsi"}}),
       writes("model=\"vmpvscsi\""),
       drops("KubeVirt makes its controllers itself"),
       writes("VirtualSCSI"),
       writes("scsi0.virtualDev"),
       {},
       "vmware-compat"},
      {"bus shared between machines", disk({{"scsi0.sharedBus", "physical"}}),
       asks("shared storage"), asks("shared storage"), asks("share the bus anew"),
       writes("scsi0.sharedBus = \"physical\"")},
      {"slot of a controller", disk({{"scsi0.pciSlotNumber", "160"}}), drops(kSlots), drops(kSlots),
       writes("vmw:key=\"slotInfo.pciSlotNumber\" vmw:value=\"160\""),
       writes("scsi0.pciSlotNumber = \"160\"")},
      {"SCSI disk", disk(), writes("<source file=\"/var/lib/libvirt/images/a.qcow2\" />"),
       writes(R"(claimName: "web-01-disk-0")"), writes("ovf:href=\"a.vmdk\""),
       writes("scsi0:0.fileName = \"a.vmdk\"")},
      {"IDE disk without a type",
       {{"ide0:0.present", "TRUE"}, {"ide0:0.fileName", "i.vmdk"}},
       writes("i.qcow2"),
       writes(R"(claimName: "web-01-disk-0")"),
       writes("IDE Controller"),
       writes("ide0:0.fileName = \"i.vmdk\"")},
      {"SATA disk",
       {{"sata0.present", "TRUE"}, {"sata0:3.present", "TRUE"}, {"sata0:3.fileName", "s.vmdk"}},
       writes("s.qcow2"),
       writes(R"(bus: "sata")"),
       writes("vmware.sata.ahci"),
       writes("sata0:3.fileName = \"s.vmdk\"")},
      {"NVMe disk",
       {{"nvme0.present", "TRUE"}, {"nvme0:1.present", "TRUE"}, {"nvme0:1.fileName", "n.vmdk"}},
       writes("n.qcow2"),
       writes(R"(claimName: "web-01-disk-0")"),
       writes("vmware.nvme.controller"),
       writes("nvme0:1.fileName = \"n.vmdk\"")},
      {"disk that forgets", disk({{"scsi0:0.mode", "independent-nonpersistent"}}),
       writes("<transient />"), asks("keep its changes"),
       writes("vmw:value=\"independent-nonpersistent\""),
       writes("scsi0:0.mode = \"independent-nonpersistent\"")},
      {"independent disk", disk({{"scsi0:0.mode", "independent-persistent"}}),
       drops("snapshots of the target take every disk along"),
       drops("snapshots take every volume along"), writes("vmw:value=\"independent-persistent\""),
       writes("scsi0:0.mode = \"independent-persistent\"")},
      {"disk shared between machines", disk({{"scsi0:0.sharing", "multi-writer"}}),
       asks("every machine that shares it"), asks("ReadWriteMany"), asks("share the disk anew"),
       writes("scsi0:0.sharing = \"multi-writer\"")},
      {"mapping of a raw device", disk({{"scsi0:0.deviceType", "rawDisk"}}), asks("the LUN"),
       asks("the LUN"), asks("the LUN"), asks("the LUN")},
      {"serial numbers of disks", disk({{"disk.EnableUUID", "TRUE"}}), asks("serial number"),
       asks("serial number"), writes("vmw:key=\"disk.EnableUUID\" vmw:value=\"TRUE\""),
       writes("disk.EnableUUID = \"TRUE\"")},
      {"limit of a disk", disk({{"sched.scsi0:0.throughputCap", "100"}}),
       drops("--set io-limits=yes"), drops("limits of the source's storage"),
       drops("limits of the source's storage"), writes("sched.scsi0:0.throughputCap = \"100\"")},
      {"limit of a disk, asked for",
       disk({{"sched.scsi0:0.throughputCap", "100"}}),
       writes("<total_iops_sec>100</total_iops_sec>"),
       drops("limits of the source's storage"),
       drops("limits of the source's storage"),
       writes("throughputCap"),
       {{"io-limits", "yes"}}},
      {"shares of a disk, limits asked for",
       disk({{"sched.scsi0:0.throughputCap", "100"}, {"sched.scsi0:0.shares", "high"}}),
       drops("VMware's scale"),
       drops("VMware's scale"),
       drops("VMware's scale"),
       writes("sched.scsi0:0.shares = \"high\""),
       {{"io-limits", "yes"}}},
      {"change tracking", disk({{"scsi0:0.ctkEnabled", "TRUE"}}), drops("change tracking"),
       drops("change tracking"), drops("change tracking"), writes("scsi0:0.ctkEnabled = \"TRUE\"")},
      {"CD-ROM on any bus",
       {{"scsi0.present", "TRUE"},
        {"scsi0:5.present", "TRUE"},
        {"scsi0:5.deviceType", "cdrom-raw"}},
       writes("device=\"cdrom\""),
       drops("a drive without a volume"),
       writes("vmware.cdrom.remotepassthrough"),
       writes("scsi0:5.deviceType = \"cdrom-raw\"")},
      {"ISO image of the source's host",
       {{"ide1:0.present", "TRUE"},
        {"ide1:0.deviceType", "cdrom-image"},
        {"ide1:0.fileName", "x.iso"}},
       drops("the drive is empty"),
       drops("a drive without a volume"),
       drops("not part of the package"),
       writes("ide1:0.fileName = \"x.iso\"")},
      {"floppy",
       {{"floppy0.fileType", "file"}, {"floppy0.fileName", "f.flp"}},
       drops("not carried over"),
       drops("a drive without a volume"),
       drops("not carried over"),
       writes("floppy0.fileName = \"f.flp\"")},
      // networks
      {"NIC, boot-safe", card({{"ethernet0.virtualDev", "vmxnet3"}}),
       writes("<model type=\"e1000e\" />"), writes(R"(model: "e1000e")"), writes("VmxNet3"),
       writes("ethernet0.virtualDev = \"vmxnet3\"")},
      {"NIC, tuned",
       card({{"ethernet0.virtualDev", "vmxnet3"}}),
       has("<model type=\"virtio\" />"),
       writes(R"(model: "virtio")"),
       writes("VmxNet3"),
       writes("ethernet0.virtualDev"),
       {},
       "tuned"},
      {"NIC, vmware-compat",
       card({{"ethernet0.virtualDev", "vmxnet3"}}),
       writes("<model type=\"vmxnet3\" />"),
       writes(R"(model: "e1000e")"),
       writes("VmxNet3"),
       writes("ethernet0.virtualDev"),
       {},
       "vmware-compat"},
      {"a NIC that QEMU cannot start, vmware-compat",
       card() + Lines{{"ethernet1.present", "TRUE"}, {"ethernet1.virtualDev", "vlance"}},
       writes("<model type=\"pcnet\" />"),
       writes(R"(model: "pcnet")"),
       writes("PCNet32"),
       writes("ethernet1.virtualDev = \"vlance\""),
       {},
       "vmware-compat"},
      {"static MAC", card({{"ethernet0.address", "00:50:56:01:02:03"}}),
       writes("<mac address=\"00:50:56:01:02:03\" />"), writes("00:50:56:01:02:03"),
       writes("<rasd:Address>00:50:56:01:02:03</rasd:Address>"),
       writes("ethernet0.address = \"00:50:56:01:02:03\"")},
      {"generated MAC",
       {{"ethernet0.present", "TRUE"},
        {"ethernet0.addressType", "generated"},
        {"ethernet0.generatedAddress", "00:0c:29:01:02:03"}},
       writes("00:0c:29:01:02:03"),
       writes("00:0c:29:01:02:03"),
       writes("00:0c:29:01:02:03"),
       writes("ethernet0.generatedAddress = \"00:0c:29:01:02:03\"")},
      {"class of a MAC", card({{"ethernet0.addressType", "static"}}),
       drops("the MAC itself is kept"), drops("the MAC itself is kept"),
       drops("the MAC itself is kept"), writes("ethernet0.addressType = \"static\"")},
      {"mapped network", card({{"ethernet0.networkName", "Prod"}}),
       writes("<source bridge=\"br7\" />"), writes(R"(networkName: "ns/prod")"),
       writes("<rasd:Connection>br7</rasd:Connection>"), writes("ethernet0.networkName = \"br7\"")},
      {"VLAN of the map", card({{"ethernet0.networkName", "Prod"}}), writes("<tag id=\"7\" />"),
       writes("ns/prod"), writes("br7"), writes("br7")},
      {"network that is not mapped",
       nic(0, "Elsewhere", "00:50:56:01:02:03") + Lines{{"ethernet0.networkName", "Elsewhere"}},
       asks("\"Elsewhere\""), asks("\"Elsewhere\""), writes("<Network ovf:name=\"Elsewhere\">"),
       writes("ethernet0.networkName = \"Elsewhere\"")},
      {"port of a distributed switch",
       {{"ethernet0.present", "TRUE"},
        {"ethernet0.dvs.switchId", "50 2e"},
        {"ethernet0.dvs.portgroupId", "dvportgroup-7"}},
       asks("dvportgroup-7"),
       asks("dvportgroup-7"),
       asks("dvportgroup-7"),
       writes("ethernet0.dvs.portgroupId = \"dvportgroup-7\"")},
      {"host-only network",
       {{"ethernet0.present", "TRUE"}, {"ethernet0.connectionType", "hostonly"}},
       asks("hostonly"),
       asks("hostonly"),
       asks("hostonly"),
       writes("ethernet0.connectionType = \"hostonly\"")},
      {"slot of a NIC", card({{"ethernet0.pciSlotNumber", "192"}}),
       writes("<vmlift:nic mac=\"00:50:56:01:02:03\" name=\"ens192\" />"),
       writes(R"(vmlift/nic-0: "ens192")"),
       writes("vmw:key=\"slotInfo.pciSlotNumber\" vmw:value=\"192\""),
       writes("ethernet0.pciSlotNumber = \"192\"")},
      {"slot of a NIC, asked for",
       card({{"ethernet0.pciSlotNumber", "192"}}),
       writes("<acpi index=\"192\" />"),
       writes("acpiIndex: 192"),
       writes("192"),
       writes("ethernet0.pciSlotNumber"),
       {{"acpi-index", "yes"}}},
      {"NIC that starts unconnected", card({{"ethernet0.startConnected", "FALSE"}}),
       writes("<link state=\"down\" />"), writes(R"(state: "down")"),
       writes("<rasd:AutomaticAllocation>false</rasd:AutomaticAllocation>"),
       writes("ethernet0.startConnected = \"FALSE\"")},
      {"wake-on-LAN", card({{"ethernet0.wakeOnPcktRcv", "TRUE"}}), drops("wake-on-LAN"),
       drops("wake-on-LAN"), writes("vmw:key=\"wakeOnLanEnabled\" vmw:value=\"true\""),
       writes("ethernet0.wakeOnPcktRcv = \"TRUE\"")},
      // other devices
      {"serial port",
       {{"serial1.present", "TRUE"}, {"serial1.fileType", "pipe"}},
       has("<serial type=\"pty\">"),
       writes("autoattachSerialConsole: true"),
       writes("vmware.serialport.device"),
       writes("serial1.fileType = \"pipe\"")},
      {"parallel port",
       {{"parallel0.present", "TRUE"}, {"parallel0.fileName", "/dev/lp0"}},
       drops("parallel ports"),
       drops("parallel ports"),
       drops("parallel ports"),
       writes("parallel0.present = \"TRUE\"")},
      {"USB controller",
       {{"usb_xhci.present", "TRUE"}},
       has("model=\"qemu-xhci\""),
       has(R"(bus: "usb")"),
       writes("vmware.usb.xhci"),
       writes("usb_xhci.present = \"TRUE\"")},
      {"USB device",
       {{"usb.present", "TRUE"}, {"usb:1.deviceType", "hub"}},
       drops("USB devices of the source's host"),
       drops("USB devices of the source's host"),
       drops("USB devices of the source's host"),
       drops("USB devices of the source's host")},
      {"sound card of a server",
       {{"sound.present", "TRUE"}},
       drops("--set sound=ich9"),
       drops("servers need no sound card"),
       writes("vmware.soundcard.hdaudio"),
       writes("sound.present = \"TRUE\"")},
      {"sound card of a Windows desktop",
       {{"guestOS", "windows9-64"}, {"sound.present", "TRUE"}},
       writes("<sound model=\"ich9\" />"),
       writes(R"(model: "ich9")"),
       writes("vmware.soundcard.hdaudio"),
       writes("sound.present = \"TRUE\"")},
      {"video memory",
       {{"svga.vramSize", "8388608"}},
       has("<model type=\"vga\""),
       drops("video"),
       drops("default video card"),
       writes("svga.vramSize = \"8388608\"")},
      {"clock ahead of UTC",
       {{"rtc.diffFromUTC", "3600"}},
       writes("adjustment=\"3600\""),
       writes("offsetSeconds: 3600"),
       writes("vmw:key=\"rtc.diffFromUTC\" vmw:value=\"3600\""),
       writes("rtc.diffFromUTC = \"3600\"")},
      {"clock that starts anew each time",
       {{"rtc.startTime", "1600000000"}},
       drops("clock"),
       drops("clock"),
       drops("clock"),
       writes("rtc.startTime = \"1600000000\"")},
      {"time from the host",
       {{"tools.syncTime", "TRUE"}},
       drops("NTP"),
       drops("NTP"),
       writes("vmw:key=\"tools.syncTimeWithHost\" vmw:value=\"true\""),
       writes("tools.syncTime = \"TRUE\"")},
      {"HPET",
       {{"hpet0.present", "TRUE"}},
       writes("<timer name=\"hpet\" present=\"yes\" />"),
       drops("HPET"),
       drops("HPET"),
       writes("hpet0.present = \"TRUE\"")},
      {"cloud-init's data",
       {{"guestinfo.userdata", "I2Nsb3Vk"}},
       asks("NoCloud"),
       asks("NoCloud"),
       writes("vmw:key=\"guestinfo.userdata\" vmw:value=\"I2Nsb3Vk\""),
       writes("guestinfo.userdata = \"I2Nsb3Vk\"")},
      {"passthrough",
       {{"pciPassthru0.present", "TRUE"}, {"pciPassthru0.id", "03:00.0"}},
       asks("choose a device of the target host"),
       asks("choose a device of the target host"),
       asks("choose a device of the target host"),
       asks("choose a device of the target host")},
      {"watchdog",
       {{"watchdog.present", "TRUE"}},
       writes("<watchdog model=\"i6300esb\""),
       writes("i6300esb:"),
       drops("watchdog"),
       writes("watchdog.present = \"TRUE\"")},
      {"VMCI",
       {{"vmci0.present", "TRUE"}},
       drops(kVmwareOnly),
       drops(kVmwareOnly),
       drops(kVmwareOnly),
       has("vmci0.present = \"TRUE\"")},
      {"NVDIMM",
       {{"nvdimm0.present", "TRUE"}},
       drops(kVmwareOnly),
       drops(kVmwareOnly),
       drops(kVmwareOnly),
       writes("nvdimm0.present = \"TRUE\"")},
      {"shared folder",
       {{"sharedFolder0.hostPath", "/srv"}},
       asks("virtiofs"),
       asks("virtiofs"),
       asks("virtiofs"),
       writes("sharedFolder0.hostPath = \"/srv\"")},
      {"noise",
       {{"numa.autosize.cookie", "40012"}, {"migrate.hostLog", "web.hlog"}},
       drops("VMware's own migration state"),
       drops("VMware's own migration state"),
       drops("VMware's own migration state"),
       drops("VMware's own migration state")},
      {"a key that nobody knows",
       {{"site.backupClass", "gold"}},
       drops("vmlift does not know this key"),
       drops("vmlift does not know this key"),
       drops("vmlift does not know this key"),
       writes("site.backupClass = \"gold\"")},
  };
}

vm::Translation translated(const Row& row, const Lines& lines, const std::string& dialect) {
  // A row's lines replace those of the base: of two lines with one key the first counts.
  const vm::Definition definition = must(vm::parse(vmx_text(lines + kBase), {.dialect = "vmx"}));
  vm::TranslateOptions options{.dialect = dialect, .profile = row.profile};
  const bool kvm = dialect == "libvirt" || dialect == "kubevirt";
  if (kvm)
    for (const auto& [name, value] : row.decisions) {
      const auto known = vm::decisions(dialect);
      if (std::ranges::find(known, name, &vm::DecisionInfo::name) != known.end())
        options.decisions[name] = value;
    }
  vm::NetworkTarget& prod = options.networks["Prod"];
  if (dialect == "kubevirt")
    prod.multus = "ns/prod";
  else
    prod.bridge = "br7";
  if (dialect == "libvirt") prod.vlan = 7;
  // An OVF states the sizes of disks, which a VMX does not know.
  if (dialect == "ovf")
    for (const char* name : {"a.vmdk", "b.vmdk", "i.vmdk", "s.vmdk", "n.vmdk"})
      options.disks[name].capacity = 1 << 20;
  return must(vm::translate(definition, options));
}

/// `plain`: the document of a source without the row's lines.
void check_fate(const Fate& fate, const vm::LossEntry& entry, const std::string& document,
                const std::string& plain) {
  CAPTURE(fate.text);
  CAPTURE(vm::loss_status_name(entry.status));
  CAPTURE(entry.reason);
  CAPTURE(entry.action);
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const bool carried = entry.status == vm::LossStatus::kept ||
                       entry.status == vm::LossStatus::mapped ||
                       entry.status == vm::LossStatus::defaulted;
  switch (fate.kind) {
    case Fate::Kind::writes:
      CHECK(contains(document, fate.text));
      CHECK_FALSE(contains(plain, fate.text));
      CHECK(carried);
      break;
    case Fate::Kind::has:
      CHECK(contains(document, fate.text));
      CHECK(carried);
      break;
    case Fate::Kind::drops:
      CHECK(entry.status == vm::LossStatus::dropped);
      CHECK(contains(entry.reason, fate.text));
      break;
    case Fate::Kind::asks:
      CHECK(entry.status == vm::LossStatus::needs_action);
      CHECK(contains(entry.action, fate.text));
      break;
  }
}

void check(const Row& row, const std::string& dialect, const Fate& fate) {
  CAPTURE(row.about);
  CAPTURE(dialect);
  const vm::Translation translation = translated(row, row.lines, dialect);
  const auto entry =
      std::ranges::find(translation.report.entries, row.lines.back().first, &vm::LossEntry::key);
  REQUIRE(entry != translation.report.entries.end());
  check_fate(fate, *entry, translation.documents.at(0).text,
             translated(row, {}, dialect).documents.at(0).text);
}

/// The same concepts as an OVF states them.
struct OvfRow {
  std::string about;
  std::string hardware;  ///< of the hardware section
  std::string sections;  ///< of the system
  std::string key;       ///< the end of the key whose fate is told
  Fate libvirt;
};

std::string config(const std::string& key, const std::string& value) {
  return fmt::format("<vmw:Config vmw:key=\"{}\" vmw:value=\"{}\"/>", key, value);
}
std::string extra(const std::string& key, const std::string& value) {
  return fmt::format("<vmw:ExtraConfig vmw:key=\"{}\" vmw:value=\"{}\"/>", key, value);
}
std::string item(const std::string& type, const std::string& subtype, const Lines& more = {}) {
  return ovf_item(Lines{{"InstanceID", "9"}, {"ResourceType", type}, {"ResourceSubType", subtype}} +
                  more);
}

std::vector<OvfRow> ovf_rows() {
  const std::string efi = config("firmware", "efi");
  return {
      {"SMBIOS UUID", config("uuid", "564d0e5a-2a62-8b3c-7f3c-86d44e5c1122"), "", "uuid",
       writes("<uuid>5a0e4d56-622a-3c8b-7f3c-86d44e5c1122</uuid>")},
      {"UEFI", efi, "", "firmware", writes("<os firmware=\"efi\">")},
      {"secure boot", efi + config("bootOptions.efiSecureBootEnabled", "true"), "",
       "bootOptions.efiSecureBootEnabled",
       writes("<feature enabled=\"yes\" name=\"secure-boot\" />")},
      {"secure boot, the older key", efi + config("uefi.secureBoot.enabled", "true"), "",
       "uefi.secureBoot.enabled", writes("<feature enabled=\"yes\" name=\"secure-boot\" />")},
      {"variable store", efi + extra("nvram", "ovf:/file/file2"), "", "nvram", asks("BOOTX64.EFI")},
      {"memory added while running", config("memoryHotAddEnabled", "true"), "",
       "memoryHotAddEnabled", drops("--set hot-add=yes")},
      {"processors added while running", config("cpuHotAddEnabled", "true"), "", "cpuHotAddEnabled",
       drops("--set hot-add=yes")},
      {"pinned memory", config("memoryReservationLockedToMax", "true"), "",
       "memoryReservationLockedToMax", drops("--set memory-lock=yes")},
      {"shares of processors", config("cpuAllocation.shares.level", "high"), "",
       "cpuAllocation.shares.level", drops("--set cpu-shares=yes")},
      {"nested virtualisation", config("nestedHVEnabled", "true"), "", "nestedHVEnabled",
       has("<cpu mode=\"host-model\"")},
      {"virtualisation based security", config("flags.vbsEnabled", "true"), "", "flags.vbsEnabled",
       asks("nested virtualisation")},
      {"an IOMMU for the guest", config("flags.vvtdEnabled", "true"), "", "flags.vvtdEnabled",
       asks("IOMMU")},
      {"time from the host", config("tools.syncTimeWithHost", "true"), "", "tools.syncTimeWithHost",
       drops("NTP")},
      {"cloud-init's data", extra("guestinfo.userdata", "x"), "", "guestinfo.userdata",
       asks("NoCloud")},
      {"slot of a NIC",
       item("10", "VmxNet3", {{"Address", "00:50:56:01:02:03"}}) +
           extra("ethernet0.pciSlotNumber", "192"),
       "", "ethernet0.pciSlotNumber", writes("name=\"ens192\"")},
      {"MAC with hyphens", item("10", "E1000", {{"Address", "00-16-8B-01-02-03"}}), "",
       "Item[9]/Address", writes("<mac address=\"00:16:8b:01:02:03\" />")},
      {"network that is not mapped", item("10", "E1000", {{"Connection", "Elsewhere"}}), "",
       "Item[9]/Connection", asks("\"Elsewhere\"")},
      {"TPM", efi + item("1", "vmware.vtpm"), "", "Item[9]/ResourceSubType",
       asks("recovery keys of BitLocker")},
      {"TPM by its own type", efi + item("34", ""), "", "Item[9]/ResourceType",
       asks("recovery keys of BitLocker")},
      {"passthrough", item("1", "vmware.pci.passthrough"), "", "Item[9]/ResourceSubType",
       asks("choose a device of the target host")},
      {"CD-ROM", item("15", "vmware.cdrom.remotepassthrough"), "", "Item[9]/ResourceSubType",
       writes("device=\"cdrom\"")},
      {"DVD", item("16", "vmware.cdrom.atapi"), "", "Item[9]/ResourceSubType",
       writes("device=\"cdrom\"")},
      {"floppy", item("14", ""), "", "Item[9]/ResourceType", drops("empty floppy drive")},
      {"serial port", item("21", "vmware.serialport.device"), "", "Item[9]/ResourceSubType",
       has("<serial type=\"pty\">")},
      {"parallel port", item("22", "vmware.parallelport.device"), "", "Item[9]/ResourceSubType",
       drops("parallel ports")},
      {"USB controller", item("23", "vmware.usb.xhci"), "", "Item[9]/ResourceSubType",
       has("model=\"qemu-xhci\"")},
      {"video card", item("24", ""), "", "Item[9]/ResourceType", has("<model type=\"vga\"")},
      {"sound card", item("35", "ensoniq1371"), "", "Item[9]/ResourceSubType",
       drops("--set sound=ich9")},
      {"NVDIMM controller", item("20", "vmware.nvdimm.controller"), "", "Item[9]/ResourceSubType",
       drops(kVmwareOnly)},
      {"a device that nobody knows", item("1", "alien.device"), "", "Item[9]/ResourceSubType",
       drops("vmlift does not know this key")},
      {"note", "",
       "<AnnotationSection><Info/><Annotation>two words</Annotation></AnnotationSection>",
       "AnnotationSection/Annotation", writes("<description>two words</description>")},
      {"guest system", "",
       "<OperatingSystemSection ovf:id=\"80\" vmw:osType=\"rhel9_64Guest\"><Info/></OperatingSystemSection>",
       "/@osType", writes("http://redhat.com/rhel/9")},
      {"property", "",
       "<ProductSection><Info/><Property ovf:key=\"k\" ovf:type=\"string\" ovf:value=\"v\"/></ProductSection>",
       "@value", asks("hand the OVF properties to the guest")},
      {"licence", "", "<EulaSection><Info/><License>l</License></EulaSection>",
       "EulaSection/License", drops("licence texts")},
  };
}

vm::Translation domain_of_ovf(const std::string& hardware, const std::string& sections) {
  const std::string text =
      OvfText{.hardware = ovf_processors(2) + ovf_memory("1024", "byte * 2^20") + hardware,
              .sections = sections}
          .text();
  const vm::Definition definition = must(vm::parse(text, {.dialect = "ovf"}));
  return must(vm::translate(definition, {.dialect = "libvirt"}));
}

}  // namespace

TEST_SUITE("mapping") {
  TEST_CASE("every concept is carried over, or its fate is told with a reason") {
    for (const Row& row : rows()) {
      check(row, "libvirt", row.libvirt);
      check(row, "kubevirt", row.kubevirt);
      check(row, "ovf", row.ovf);
      check(row, "vmx", row.vmx);
    }
  }

  TEST_CASE("what an OVF says of the same concepts is treated alike") {
    const std::string plain = domain_of_ovf("", "").documents.at(0).text;
    for (const OvfRow& row : ovf_rows()) {
      CAPTURE(row.about);
      const vm::Translation translation = domain_of_ovf(row.hardware, row.sections);
      const auto entry = std::ranges::find_if(
          translation.report.entries,
          [&](const vm::LossEntry& each) { return each.key.ends_with(row.key); });
      REQUIRE(entry != translation.report.entries.end());
      check_fate(row.libvirt, *entry, translation.documents.at(0).text, plain);
    }
  }

  TEST_CASE("what any writer says it kept makes a difference to its document") {
    for (const Row& row : rows()) {
      // What the target has anyway makes none.
      if (row.libvirt.kind == Fate::Kind::has || row.vmx.kind == Fate::Kind::has) continue;
      CAPTURE(row.about);
      Lines without = row.lines;
      std::erase_if(without,
                    [&](const auto& line) { return line.first == row.lines.back().first; });
      for (const vm::DialectInfo& dialect : vm::dialects()) {
        if (!dialect.writes) continue;
        CAPTURE(dialect.name);
        const vm::Translation translation = translated(row, row.lines, std::string(dialect.name));
        const auto entry = std::ranges::find(translation.report.entries, row.lines.back().first,
                                             &vm::LossEntry::key);
        REQUIRE(entry != translation.report.entries.end());
        CAPTURE(entry->key);
        if (entry->status == vm::LossStatus::kept)
          CHECK(translation.documents.at(0).text !=
                translated(row, without, std::string(dialect.name)).documents.at(0).text);
      }
    }
  }
}
