// The definition of virtual machines as plain values: what VMX, OVF, libvirt XML and KubeVirt
// manifests have in common. A reader fills it with the *source's* devices in the source's own
// terms; what a target gets instead is decided by the writer and never stored here.
//
// Numbers are bytes, MHz or counts as their names say; an absent optional means that the source
// says nothing. Text is UTF-8 as far as the source was; MACs and UUIDs are lower case.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmlift::vm {

/// Sixteen bytes in the order in which the text names them.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// "564d0e5a-2a62-8b3c-7f3c-86d44e5c1122"
  std::string text() const;
  /// The first three fields with their bytes reversed: SMBIOS 2.6 stores them little-endian.
  Uuid fields_swapped() const;
  bool operator==(const Uuid&) const = default;
};

/// The SMBIOS system UUID. VMware writes the raw bytes of the table; from hardware version 13
/// (SMBIOS 2.7) on, and under Windows always, the guest prints the first three fields swapped.
struct SmbiosUuid {
  Uuid stored{};         ///< as the source writes it
  bool swapped = false;  ///< the guest sees the first three fields the other way round

  Uuid guest_visible() const { return swapped ? stored.fields_swapped() : stored; }
  bool operator==(const SmbiosUuid&) const = default;
};

/// The VM generation identifier, as its two little-endian halves lie in guest memory.
struct GenerationId {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  /// In the field order of a GUID, as libvirt's <genid> and Hyper-V print it.
  Uuid guid() const;
  static GenerationId from_guid(const Uuid& guid);
  bool operator==(const GenerationId&) const = default;
};

struct Identity {
  std::string name{};
  std::string annotation{};
  std::optional<SmbiosUuid> smbios_uuid{};
  std::optional<Uuid> instance_uuid{};  ///< the manager's own id (vc.uuid)
  std::string serial{};                 ///< SMBIOS serial number
  std::optional<GenerationId> generation{};
  bool operator==(const Identity&) const = default;
};

/// The guest's operating system, in VMware's VMX vocabulary ("rhel9-64"); see lib/vm/guest_os.hpp.
struct GuestOs {
  std::string id{};
  std::string source_id{};    ///< as the source spells it ("rhel9_64Guest", a libosinfo URI)
  std::string description{};  ///< "Red Hat Enterprise Linux 9 (64-bit)"
  std::optional<std::uint32_t> cim_id{};
  bool operator==(const GuestOs&) const = default;
};

struct Firmware {
  enum class Type { bios, efi };
  std::optional<Type> type{};  ///< absent: the source does not say
  std::optional<bool> secure_boot{};
  std::string nvram{};  ///< the source's variable store; VMware's cannot be converted
  bool operator==(const Firmware&) const = default;
};

/// What a resource is promised, capped at, and weighed with. CPU in MHz, memory in bytes.
struct Allocation {
  std::optional<std::uint64_t> reservation{};
  std::optional<std::uint64_t> limit{};
  std::string shares{};  ///< "low", "normal", "high" or a number
  bool operator==(const Allocation&) const = default;
};

struct Cpu {
  std::optional<std::uint32_t> count{};
  std::optional<std::uint32_t> cores_per_socket{};
  std::optional<std::uint32_t> threads_per_core{};
  bool hot_add = false;
  bool hot_remove = false;
  bool nested = false;  ///< hardware virtualisation shown to the guest
  bool iommu = false;   ///< an IOMMU shown to the guest
  bool vbs = false;     ///< Windows' virtualisation based security
  std::string affinity{};
  std::string latency_sensitivity{};
  std::string model{};  ///< libvirt: mode or named model
  Allocation allocation{};
  bool operator==(const Cpu&) const = default;
};

struct Memory {
  std::optional<std::uint64_t> size{};
  bool hot_add = false;
  bool pinned = false;
  Allocation allocation{};
  bool operator==(const Memory&) const = default;
};

enum class Bus { ide, scsi, sata, nvme, virtio, usb, floppy, xen };
std::string_view bus_name(Bus bus) noexcept;

/// Where a drive is attached: "scsi0:3".
struct Address {
  Bus bus = Bus::scsi;
  std::uint32_t controller = 0;
  std::uint32_t unit = 0;

  std::string text() const;
  auto operator<=>(const Address&) const = default;
};

struct Controller {
  Bus bus = Bus::scsi;
  std::uint32_t index = 0;
  /// "buslogic", "lsilogic", "lsisas1068", "pvscsi", "ahci", "piix4", "nvme", "virtio-scsi", ...
  /// Empty: the source leaves it to the guest OS's default.
  std::string model{};
  std::string sharing{};  ///< "", "virtual" or "physical": a bus shared between machines
  std::optional<std::uint32_t> pci_slot{};
  bool operator==(const Controller&) const = default;
};

struct Drive {
  enum class Backing { file, block, network, raw_mapping };
  Address address{};
  /// The source's own words: a VMX fileName, an OVF href (percent-decoded), a path. Absent: a
  /// blank disk.
  std::optional<std::string> source{};
  std::string id{};  ///< OVF's diskId
  Backing backing = Backing::file;
  std::string format{};  ///< "vmdk", "qcow2", "raw"; empty: not stated
  std::string mode = "persistent";
  std::optional<std::uint64_t> capacity{};
  std::string serial{};
  bool shared = false;  ///< several machines write to it at once
  bool read_only = false;
  bool change_tracking = false;
  std::optional<std::uint32_t> boot_order{};
  Allocation io{};  ///< limit in operations per second
  bool operator==(const Drive&) const = default;
};

/// A removable drive: CD-ROM or floppy.
struct Medium {
  enum class Kind { cdrom, floppy };
  enum class Backing { empty, image, host_device, client };
  Kind kind = Kind::cdrom;
  Address address{};
  std::optional<std::string> source{};
  Backing backing = Backing::empty;
  bool connected = true;
  std::optional<std::uint32_t> boot_order{};
  bool operator==(const Medium&) const = default;
};

/// What a NIC is plugged into, by every name under which the source knows it.
struct NetworkReference {
  std::string name{};  ///< port group, OVF network, bridge, libvirt network
  std::string
      kind;  ///< "bridged", "nat", "hostonly", "custom", "dvs", "opaque", "bridge", "network"
  std::string portgroup{};  ///< a distributed port group's id; libvirt: the port group
  std::string switch_id{};
  std::string device{};  ///< Workstation's vmnet
  std::optional<std::uint32_t> vlan{};
  bool operator==(const NetworkReference&) const = default;
};

struct Nic {
  enum class MacClass { unknown, generated, fixed, manager };
  std::uint32_t index = 0;  ///< the N of ethernetN; order is the order of the list
  std::string mac{};        ///< empty: none stated
  MacClass mac_class = MacClass::unknown;
  std::string model{};  ///< "vmxnet3", "e1000e", "virtio", ...; empty: not stated
  NetworkReference network{};
  bool connected = true;
  bool wake_on_lan = false;
  std::optional<std::uint32_t> pci_slot{};
  std::string guest_name{};  ///< the name the guest gave it ("ens192"), where it can be told
  std::optional<std::uint32_t> boot_order{};
  bool operator==(const Nic&) const = default;
};

/// A serial or parallel port.
struct Port {
  std::uint32_t index = 0;
  std::string kind{};  ///< "device", "file", "pipe", "network", "thinprint", "pty", ...
  std::string target{};
  bool operator==(const Port&) const = default;
};

struct Usb {
  bool uhci = false;
  bool ehci = false;
  bool xhci = false;
  bool any() const { return uhci || ehci || xhci; }
  bool operator==(const Usb&) const = default;
};

struct Video {
  std::string model{};
  std::optional<std::uint64_t> memory{};
  std::optional<std::uint32_t> displays{};
  bool accelerated = false;
  bool operator==(const Video&) const = default;
};

struct Clock {
  enum class Base { unknown, utc, local_time };
  Base base = Base::unknown;
  std::optional<std::int64_t> offset{};  ///< seconds that the RTC is ahead of UTC
  bool sync_with_host = false;
  std::optional<bool> hpet{};
  bool operator==(const Clock&) const = default;
};

/// A device of the host handed to the guest: it cannot move with the machine.
struct Passthrough {
  std::string kind{};  ///< "pci", "vgpu", "sriov", "usb", "scsi"
  std::string description{};
  bool operator==(const Passthrough&) const = default;
};

/// An OVF property, or a guestinfo value that cloud-init reads.
struct Property {
  std::string key{};
  std::string type{};
  std::string value{};
  std::string label{};
  bool user_configurable = false;
  bool operator==(const Property&) const = default;
};

struct Snapshot {
  std::string id{};
  std::string name{};
  std::string description{};
  std::string parent{};
  std::vector<std::string> disks{};  ///< file names
  bool operator==(const Snapshot&) const = default;
};

/// Trouble that reading went on after.
struct Warning {
  std::string key{};
  std::size_t line = 0;  ///< 0: not known
  std::string message{};
  bool operator==(const Warning&) const = default;
};

/// What a source key is about; lib/vm/aspect.hpp lists them.
enum class Aspect : std::uint16_t;

/// One key of the source, in the order of the source. The loss report has an entry for each.
struct SourceKey {
  std::string key{};
  std::string value{};
  std::size_t line = 0;
  Aspect aspect{};
  std::uint32_t device = 0;  ///< which disk, NIC, ...: an index into the machine's list
  std::string note{};        ///< why the reader set it aside, where it did
};

struct Machine {
  Identity identity{};
  GuestOs guest_os{};
  std::optional<std::uint32_t> hardware_version{};
  Firmware firmware{};
  Cpu cpu{};
  Memory memory{};
  std::vector<Controller> controllers{};
  std::vector<Drive> disks{};
  bool disks_show_uuids = false;  ///< VMware: the guest sees the VMDKs' own UUIDs as serial numbers
  std::vector<Medium> media{};
  std::vector<Nic> nics{};
  std::vector<Port> serials{};
  std::vector<Port> parallels{};
  Usb usb{};
  std::string sound{};  ///< the card's model; empty: none
  Video video{};
  bool tpm = false;
  Clock clock{};
  bool watchdog = false;
  /// Classes in the firmware's order: "disk", "cdrom", "network", "floppy". Single disks have
  /// their place in Drive::boot_order.
  std::vector<std::string> boot_classes{};
  std::vector<Passthrough> passthrough{};
  std::vector<Property> properties{};
  std::vector<Property> guestinfo{};
  std::vector<Snapshot> snapshots{};
  bool suspended = false;
  bool encrypted = false;
  std::vector<Property> extra{};  ///< keys that mean something to nobody but their writer
  std::vector<Warning> warnings{};
  std::vector<SourceKey> keys{};
};

/// A deployment option of an OVF.
struct Configuration {
  std::string id{};
  std::string label{};
  bool is_default = false;
  bool operator==(const Configuration&) const = default;
};

/// What one document defines.
struct Definition {
  std::string dialect{};
  std::vector<Machine> machines{};
  std::vector<Configuration> configurations{};
  std::vector<Warning> warnings{};
  std::vector<SourceKey> keys{};  ///< those that belong to no machine
};

}  // namespace vmlift::vm
