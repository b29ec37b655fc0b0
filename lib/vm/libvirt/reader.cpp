// Reads a libvirt domain of any driver: QEMU/KVM, Xen, VMware.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/guest_os.hpp"
#include "vm/libvirt/libvirt.hpp"
#include "vm/ovf/units.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_document.hpp"

namespace vmlift::vm {
namespace {

using R = Result<void>;

constexpr std::size_t kMostDevices = 4096;

struct BusName {
  std::string_view name;
  Bus bus;
};
constexpr BusName kBuses[] = {{"ide", Bus::ide},    {"scsi", Bus::scsi},     {"sata", Bus::sata},
                              {"nvme", Bus::nvme},  {"virtio", Bus::virtio}, {"usb", Bus::usb},
                              {"fdc", Bus::floppy}, {"xen", Bus::xen}};

/// SCSI controllers by libvirt's word and ours.
constexpr std::pair<std::string_view, std::string_view> kScsiModels[] = {
    {"vmpvscsi", "pvscsi"},
    {"lsisas1068", "lsisas1068"},
    {"lsilogic", "lsilogic"},
    {"buslogic", "buslogic"},
    {"virtio-scsi", "virtio-scsi"}};

class DomainReader {
 public:
  DomainReader(XmlDocument& document, Machine& machine)
      : document_(document), machine_(machine), domain_(document.root()) {}

  R read() {
    document_.claim_for(0);
    type_ = attribute_of(domain_, "type").value();
    document_.claim(attribute_of(domain_, "type"), Aspect::structure);
    document_.claim(attribute_of(domain_, "id"), Aspect::bookkeeping);
    VMLIFT_CHECK(identity());
    VMLIFT_CHECK(memory());
    VMLIFT_CHECK(processors());
    firmware();
    features();
    VMLIFT_CHECK(clock());
    VMLIFT_CHECK(devices());
    for (const char* name :
         {"on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "pm", "seclabel", "resource"})
      rest(name, Aspect::bookkeeping);
    return {};
  }

 private:
  std::unexpected<Error> bad(pugi::xml_node at, std::string_view what) const {
    return fail(ErrorCode::BadXml, "line {}: {}", document_.line(at), printable_utf8(what));
  }

  /// The text of a child element, which is claimed.
  std::string_view take(pugi::xml_node parent, const char* name, Aspect aspect,
                        std::uint32_t device = 0) {
    const auto child = child_of(parent, name);
    document_.claim(child, aspect, device);
    return text_of(child);
  }

  void rest(const char* name, Aspect aspect) {
    for (const auto node : children_of(domain_, name)) document_.claim_rest(node, aspect);
  }

  R identity() {
    Identity& identity = machine_.identity;
    identity.name = take(domain_, "name", Aspect::name);
    const std::string title(take(domain_, "title", Aspect::name));
    if (trim(identity.name).empty()) return bad(domain_, "the domain has no name");
    identity.annotation = take(domain_, "description", Aspect::annotation);
    const auto uuid_node = child_of(domain_, "uuid");
    if (const std::string_view text = take(domain_, "uuid", Aspect::smbios_uuid); !text.empty()) {
      const auto uuid = parse_uuid(text);
      if (!uuid) return bad(uuid_node, fmt::format("uuid \"{}\" is no UUID", text));
      // QEMU and Xen store the fields so that the guest reads what the XML says.
      identity.smbios_uuid = SmbiosUuid{*uuid, false};
    }
    if (const std::string_view text = trim(take(domain_, "genid", Aspect::generation_id));
        !text.empty()) {
      const auto guid = parse_uuid(text);
      if (!guid)
        return bad(child_of(domain_, "genid"), fmt::format("genid \"{}\" is no UUID", text));
      identity.generation = GenerationId::from_guid(*guid);
    }
    if (const std::string_view text = trim(take(domain_, "hwuuid", Aspect::smbios_uuid));
        !text.empty()) {
      // Newer libvirt keeps vCenter's id in <uuid> and the guest's in <hwuuid>.
      if (const auto uuid = parse_uuid(text)) {
        if (identity.smbios_uuid) identity.instance_uuid = identity.smbios_uuid->stored;
        identity.smbios_uuid = SmbiosUuid{*uuid, false};
      }
    }
    const auto sysinfo = child_of(domain_, "sysinfo");
    for (const auto entry : children_of(child_of(sysinfo, "system"), "entry")) {
      const std::string_view name = attribute_of(entry, "name").value();
      if (name != "serial") continue;
      identity.serial = text_of(entry);
      document_.claim(entry, Aspect::serial_number);
      document_.claim(attribute_of(entry, "name"), Aspect::serial_number);
    }
    document_.claim(attribute_of(sysinfo, "type"), Aspect::structure);
    metadata(title);
    return {};
  }

  /// Our own notes in a domain bring back what the domain itself cannot say.
  void metadata(const std::string& title) {
    const auto metadata = child_of(domain_, "metadata");
    for (const auto info : children_of(metadata, "libosinfo")) {
      machine_.guest_os.source_id = attribute_of(child_of(info, "os"), "id").value();
      document_.claim_rest(info, Aspect::guest_os);
    }
    const bool is_64_bit =
        std::string_view(attribute_of(child_of(child_of(domain_, "os"), "type"), "arch").value()) !=
        "i686";
    if (!machine_.guest_os.source_id.empty())
      machine_.guest_os.id = vmx_id_from_libosinfo(machine_.guest_os.source_id, is_64_bit);
    if (const auto source = child_of(metadata, "source")) {
      const auto machine = child_of(source, "machine");
      if (const std::string_view name = attribute_of(machine, "name").value();
          !name.empty() && !title.empty()) {
        machine_.identity.name = name;
        document_.claim(attribute_of(machine, "name"), Aspect::name);
      }
      if (const auto instance = attribute_of(child_of(source, "instance"), "uuid")) {
        machine_.identity.instance_uuid = parse_uuid(instance.value());
        document_.claim(instance, Aspect::instance_uuid);
      }
      for (const auto nic : children_of(source, "nic"))
        nic_names_[attribute_of(nic, "mac").value()] = attribute_of(nic, "name").value();
      document_.claim_rest(source, Aspect::bookkeeping);
    }
    machine_.guest_os.description = guest_os_description(machine_.guest_os.id);
    if (metadata) document_.claim_rest(metadata, Aspect::bookkeeping);
  }

  Result<std::uint64_t> bytes(pugi::xml_node node) const {
    const std::string_view unit = attribute_of(node, "unit").value();
    // libvirt's "KB" is 1000 bytes and "KiB" or "k" 1024; a bare number is KiB.
    std::optional<std::uint64_t> factor = 1024;
    const std::string word = lower(unit);
    if (word == "b" || word == "bytes")
      factor = 1;
    else if (word == "kb")
      factor = 1'000;
    else if (word == "mb")
      factor = 1'000'000;
    else if (word == "gb")
      factor = 1'000'000'000;
    else if (word == "m" || word == "mib")
      factor = std::uint64_t{1} << 20;
    else if (word == "g" || word == "gib")
      factor = std::uint64_t{1} << 30;
    else if (word == "t" || word == "tib")
      factor = std::uint64_t{1} << 40;
    else if (!word.empty() && word != "k" && word != "kib")
      factor = std::nullopt;
    const auto number = parse_unsigned(text_of(node));
    const auto size = number && factor ? checked_multiply(*number, *factor) : std::nullopt;
    if (!size)
      return bad(node, fmt::format("{} \"{}\" {} is no size", node.name(), text_of(node), unit));
    return *size;
  }

  R memory() {
    const auto node = child_of(domain_, "memory");
    if (node) {
      VMLIFT_TRY(machine_.memory.size, bytes(node));
    }
    document_.claim_rest(node, Aspect::memory_size);
    // What the balloon leaves the guest now is no property of the machine.
    rest("currentMemory", Aspect::memory_allocation);
    if (child_of(domain_, "maxMemory")) machine_.memory.hot_add = true;
    rest("maxMemory", Aspect::memory_hot_add);
    if (child_of(child_of(domain_, "memoryBacking"), "locked")) machine_.memory.pinned = true;
    rest("memoryBacking", Aspect::memory_pinned);
    rest("memtune", Aspect::memory_allocation);
    rest("numatune", Aspect::numa);
    return {};
  }

  R processors() {
    const auto vcpu = child_of(domain_, "vcpu");
    if (vcpu) {
      const auto count = parse_unsigned(text_of(vcpu));
      if (!count || *count == 0 || *count > 65536)
        return bad(vcpu, fmt::format("vcpu \"{}\" is no possible number", text_of(vcpu)));
      machine_.cpu.count = static_cast<std::uint32_t>(*count);
      if (const auto now = parse_unsigned(attribute_of(vcpu, "current").value());
          now && *now > 0 && *now < *count) {
        machine_.cpu.count = static_cast<std::uint32_t>(*now);
        machine_.cpu.hot_add = true;
      }
      machine_.cpu.affinity = attribute_of(vcpu, "cpuset").value();
      document_.claim(attribute_of(vcpu, "cpuset"), Aspect::cpu_affinity);
      document_.claim(attribute_of(vcpu, "current"), Aspect::cpu_hot_add);
      document_.claim_rest(vcpu, Aspect::cpu_count);
    } else {
      machine_.cpu.count = 1;
    }
    const auto cpu = child_of(domain_, "cpu");
    machine_.cpu.model = attribute_of(cpu, "mode").value();
    if (const auto model = child_of(cpu, "model")) machine_.cpu.model = text_of(model);
    if (const auto topology = child_of(cpu, "topology")) {
      const auto cores = parse_unsigned(attribute_of(topology, "cores").value());
      const auto threads = parse_unsigned(attribute_of(topology, "threads").value());
      if (cores && *cores > 0 && *cores <= 65536)
        machine_.cpu.cores_per_socket = static_cast<std::uint32_t>(*cores);
      if (threads && *threads > 1 && *threads <= 65536)
        machine_.cpu.threads_per_core = static_cast<std::uint32_t>(*threads);
      document_.claim_rest(topology, Aspect::cpu_topology);
    }
    if (const auto numa = child_of(cpu, "numa")) document_.claim_rest(numa, Aspect::numa);
    for (const auto feature : children_of(cpu, "feature")) {
      const std::string_view name = attribute_of(feature, "name").value();
      if ((name == "vmx" || name == "svm") &&
          std::string_view(attribute_of(feature, "policy").value()) == "require")
        machine_.cpu.nested = true;
      const bool nesting = name == "vmx" || name == "svm";
      document_.claim_rest(feature, nesting ? Aspect::cpu_nested : Aspect::cpu_features);
    }
    if (cpu) document_.claim_rest(cpu, Aspect::cpu_mask);
    const auto tune = child_of(domain_, "cputune");
    machine_.cpu.allocation.shares = trim(take(tune, "shares", Aspect::cpu_shares));
    rest("cputune", Aspect::cpu_allocation);
    rest("iothreads", Aspect::bookkeeping);
    rest("iothreadids", Aspect::bookkeeping);
    rest("vcpus", Aspect::cpu_count);
    return {};
  }

  void firmware() {
    const auto os = child_of(domain_, "os");
    Firmware& firmware = machine_.firmware;
    const auto loader = child_of(os, "loader");
    const bool efi = std::string_view(attribute_of(os, "firmware").value()) == "efi" ||
                     std::string_view(attribute_of(loader, "type").value()) == "pflash";
    firmware.type = efi ? Firmware::Type::efi : Firmware::Type::bios;
    for (const auto feature : children_of(child_of(os, "firmware"), "feature"))
      if (std::string_view(attribute_of(feature, "name").value()) == "secure-boot")
        firmware.secure_boot = parse_bool(attribute_of(feature, "enabled").value());
    if (!firmware.secure_boot && attribute_of(loader, "secure"))
      firmware.secure_boot = parse_bool(attribute_of(loader, "secure").value());
    document_.claim(attribute_of(os, "firmware"), Aspect::firmware);
    if (const auto node = child_of(os, "firmware")) document_.claim_rest(node, Aspect::secure_boot);
    if (loader) document_.claim_rest(loader, Aspect::firmware);
    if (const auto nvram = child_of(os, "nvram")) {
      firmware.nvram = text_of(nvram);
      document_.claim_rest(nvram, Aspect::nvram);
    }
    for (const auto boot : children_of(os, "boot")) {
      const std::string_view device = attribute_of(boot, "dev").value();
      machine_.boot_classes.emplace_back(device == "hd"   ? "disk"
                                         : device == "fd" ? "floppy"
                                                          : device);
      document_.claim_rest(boot, Aspect::boot_order);
    }
    for (const char* name : {"bootmenu", "bios", "smbios", "type"})
      if (const auto node = child_of(os, name)) document_.claim_rest(node, Aspect::structure);
  }

  void features() {
    const auto features = child_of(domain_, "features");
    if (child_of(features, "hyperv"))
      document_.claim_rest(child_of(features, "hyperv"), Aspect::cpu_features);
    if (features) document_.claim_rest(features, Aspect::cpu_features);
  }

  R clock() {
    const auto node = child_of(domain_, "clock");
    const std::string_view offset = attribute_of(node, "offset").value();
    Clock& clock = machine_.clock;
    if (offset == "utc") clock.base = Clock::Base::utc;
    if (offset == "localtime") clock.base = Clock::Base::local_time;
    if (offset == "variable") {
      const auto adjustment = attribute_of(node, "adjustment");
      clock.offset = parse_signed(adjustment.value()).value_or(0);
      if (std::string_view(attribute_of(node, "basis").value()) == "localtime")
        clock.base = Clock::Base::local_time;
    }
    for (const auto timer : children_of(node, "timer"))
      if (std::string_view(attribute_of(timer, "name").value()) == "hpet")
        clock.hpet = parse_bool(attribute_of(timer, "present").value());
    for (const auto timer : children_of(node, "timer"))
      document_.claim_rest(timer, std::string_view(attribute_of(timer, "name").value()) == "hpet"
                                      ? Aspect::hpet
                                      : Aspect::structure);
    if (node) document_.claim_rest(node, Aspect::clock);
    return {};
  }

  // Devices.

  R devices() {
    const auto devices = child_of(domain_, "devices");
    std::size_t count = 0;
    for (const auto node : devices.children()) {
      if (node.type() != pugi::node_element) continue;
      if (++count > kMostDevices)
        return fail(ErrorCode::Limit, "a domain of more than {} devices", kMostDevices);
      VMLIFT_CHECK(device(node, local_name(node)));
    }
    return {};
  }

  R device(pugi::xml_node node, std::string_view name) {
    if (name == "disk") return disk(node);
    if (name == "interface") return interface(node);
    if (name == "controller")
      controller(node);
    else if (name == "serial")
      port(node, machine_.serials, Aspect::serial_port);
    else if (name == "parallel")
      port(node, machine_.parallels, Aspect::parallel_port);
    else if (name == "console")
      document_.claim_rest(node, Aspect::structure);
    else if (name == "sound") {
      machine_.sound = attribute_of(node, "model").value();
      document_.claim_rest(node, Aspect::sound);
    } else if (name == "video")
      video(node);
    else if (name == "graphics")
      document_.claim_rest(node, Aspect::video);
    else if (name == "tpm") {
      machine_.tpm = true;
      document_.claim_rest(node, Aspect::tpm);
    } else if (name == "watchdog") {
      machine_.watchdog = true;
      document_.claim_rest(node, Aspect::watchdog);
    } else if (name == "hostdev")
      hostdev(node);
    else if (name == "redirdev" || name == "input" || name == "hub")
      document_.claim_rest(node, Aspect::usb_device);
    else if (name == "filesystem")
      document_.claim_rest(node, Aspect::shared_folder);
    else if (name == "channel" || name == "memballoon" || name == "rng" || name == "panic" ||
             name == "emulator")
      document_.claim_rest(node, Aspect::tools);
    return {};
  }

  /// "sdc" is the third: drives without an address are placed by their names.
  static std::uint32_t number_of(std::string_view target) {
    const auto letters =
        target.find_first_of("0123456789") == std::string_view::npos ? target : std::string_view();
    std::size_t prefix = target.starts_with("xvd") ? 3 : 2;
    std::uint32_t number = 0;
    for (const char c : letters.substr(std::min(prefix, letters.size()))) {
      if (c < 'a' || c > 'z' || number > 10000) return 0;
      number = number * 26 + static_cast<std::uint32_t>(c - 'a' + 1);
    }
    return number == 0 ? 0 : number - 1;
  }

  static Address address_of(pugi::xml_node node, Bus bus, std::string_view target) {
    const auto address = child_of(node, "address");
    if (std::string_view(attribute_of(address, "type").value()) == "drive") {
      const auto number = [&](const char* name) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(
            parse_unsigned(attribute_of(address, name).value()).value_or(0), 0xffff));
      };
      const std::uint32_t unit = number("unit");
      if (bus == Bus::ide) return {bus, number("bus"), unit};
      return {bus, number("controller"), unit != 0 ? unit : number("target")};
    }
    const std::uint32_t place = number_of(target);
    if (bus == Bus::ide) return {bus, place / 2, place % 2};
    if (bus == Bus::scsi) return {bus, place / 7, place % 7};
    if (bus == Bus::sata) return {bus, place / 6, place % 6};
    return {bus, 0, place};
  }

  R disk(pugi::xml_node node) {
    const std::string_view device = attribute_of(node, "device").value();
    const auto target = child_of(node, "target");
    const std::string_view name = attribute_of(target, "dev").value();
    std::string_view word = attribute_of(target, "bus").value();
    if (word.empty())
      word = name.starts_with("vd")    ? "virtio"
             : name.starts_with("xvd") ? "xen"
             : name.starts_with("hd")  ? "ide"
             : name.starts_with("fd")  ? "fdc"
                                       : "scsi";
    const auto row = std::ranges::find(kBuses, word, &BusName::name);
    if (row == std::end(kBuses)) return bad(node, fmt::format("a disk on the bus \"{}\"", word));
    const Address address = address_of(node, row->bus, name);
    const auto source = source_of(node);
    const auto order = parse_unsigned(attribute_of(child_of(node, "boot"), "order").value());
    const std::optional<std::uint32_t> boot =
        order && *order < 0xffff ? std::optional(static_cast<std::uint32_t>(*order)) : std::nullopt;
    if (device == "cdrom" || device == "floppy") {
      Medium medium;
      medium.kind = device == "cdrom" ? Medium::Kind::cdrom : Medium::Kind::floppy;
      medium.address = address;
      medium.source = source;
      const bool image = std::string_view(attribute_of(node, "type").value()) != "block";
      medium.backing = !source ? Medium::Backing::empty
                       : image ? Medium::Backing::image
                               : Medium::Backing::host_device;
      medium.boot_order = boot;
      const auto index = static_cast<std::uint32_t>(machine_.media.size());
      if (const auto child = child_of(node, "source"))
        document_.claim_rest(child, Aspect::medium_source, index);
      document_.claim_rest(node, Aspect::medium, index);
      machine_.media.push_back(std::move(medium));
      return {};
    }
    return hard_disk(node, address, source, boot);
  }

  static std::optional<std::string> source_of(pugi::xml_node node) {
    const auto source = child_of(node, "source");
    for (const char* name : {"file", "dev", "name", "volume", "dir"})
      if (const auto attribute = attribute_of(source, name); attribute && *attribute.value() != 0)
        return attribute.value();
    return std::nullopt;
  }

  R hard_disk(pugi::xml_node node, const Address& address, const std::optional<std::string>& source,
              std::optional<std::uint32_t> boot) {
    Drive drive;
    const auto index = static_cast<std::uint32_t>(machine_.disks.size());
    drive.address = address;
    drive.source = source;
    drive.boot_order = boot;
    const std::string_view type = attribute_of(node, "type").value();
    if (type == "block") drive.backing = Drive::Backing::block;
    if (type == "network") drive.backing = Drive::Backing::network;
    if (std::string_view(attribute_of(node, "device").value()) == "lun")
      drive.backing = Drive::Backing::raw_mapping;
    drive.format = attribute_of(child_of(node, "driver"), "type").value();
    drive.serial = trim(take(node, "serial", Aspect::disk_serial, index));
    if (child_of(node, "transient")) drive.mode = "independent-nonpersistent";
    drive.shared = static_cast<bool>(child_of(node, "shareable"));
    drive.read_only = static_cast<bool>(child_of(node, "readonly"));
    document_.claim(child_of(node, "transient"), Aspect::disk_mode, index);
    document_.claim(child_of(node, "shareable"), Aspect::disk_sharing, index);
    if (const auto child = child_of(node, "source"))
      document_.claim_rest(child, Aspect::disk_source, index);
    if (const auto child = child_of(node, "boot"))
      document_.claim_rest(child, Aspect::disk_boot, index);
    if (const auto tune = child_of(node, "iotune")) {
      drive.io.limit = parse_unsigned(text_of(child_of(tune, "total_iops_sec")));
      document_.claim_rest(tune, Aspect::disk_io, index);
    }
    if (const auto backing = child_of(node, "backingStore"))
      document_.claim_rest(backing, Aspect::disk_source, index);
    document_.claim_rest(node, Aspect::disk, index);
    machine_.disks.push_back(std::move(drive));
    return {};
  }

  R interface(pugi::xml_node node) {
    Nic nic;
    const auto index = static_cast<std::uint32_t>(machine_.nics.size());
    nic.index = index;
    const auto mac = child_of(node, "mac");
    if (const std::string_view address = attribute_of(mac, "address").value(); !address.empty()) {
      const auto parsed = parse_mac(address);
      if (!parsed) return bad(mac, fmt::format("\"{}\" is no MAC address", address));
      nic.mac = *parsed;
    }
    nic.mac_class = mac_class_of(nic.mac);
    const auto model = child_of(node, "model");
    nic.model = lower(attribute_of(model, "type").value());
    const std::string_view type = attribute_of(node, "type").value();
    const auto source = child_of(node, "source");
    nic.network.kind = type;
    for (const char* name : {"network", "bridge", "dev", "portgroupid"})
      if (nic.network.name.empty()) nic.network.name = attribute_of(source, name).value();
    nic.network.portgroup = attribute_of(source, "portgroup").value();
    nic.network.switch_id = attribute_of(source, "switchid").value();
    if (const auto tag =
            parse_unsigned(attribute_of(child_of(child_of(node, "vlan"), "tag"), "id").value());
        tag && *tag < 4096)
      nic.network.vlan = static_cast<std::uint32_t>(*tag);
    nic.connected =
        std::string_view(attribute_of(child_of(node, "link"), "state").value()) != "down";
    if (const auto slot = parse_unsigned(attribute_of(child_of(node, "acpi"), "index").value());
        slot && *slot <= 0xffff)
      nic.pci_slot = static_cast<std::uint32_t>(*slot);
    if (const auto order = parse_unsigned(attribute_of(child_of(node, "boot"), "order").value());
        order && *order < 0xffff)
      nic.boot_order = static_cast<std::uint32_t>(*order);
    if (const auto name = nic_names_.find(nic.mac); name != nic_names_.end())
      nic.guest_name = name->second;
    document_.claim(attribute_of(mac, "address"), Aspect::nic_mac, index);
    const std::pair<const char*, Aspect> parts[] = {
        {"mac", Aspect::nic_mac_class},  {"model", Aspect::nic_model},
        {"source", Aspect::nic_network}, {"vlan", Aspect::nic_network},
        {"link", Aspect::nic_connected}, {"acpi", Aspect::nic_slot},
        {"address", Aspect::nic_slot}};
    for (const auto& [name, aspect] : parts)
      if (const auto child = child_of(node, name)) document_.claim_rest(child, aspect, index);
    document_.claim_rest(node, Aspect::nic, index);
    machine_.nics.push_back(std::move(nic));
    return {};
  }

  void controller(pugi::xml_node node) {
    const std::string_view type = attribute_of(node, "type").value();
    const std::string_view model = attribute_of(node, "model").value();
    const auto index = parse_unsigned(attribute_of(node, "index").value()).value_or(0);
    if (type == "usb") {
      if (model.find("xhci") != std::string_view::npos)
        machine_.usb.xhci = true;
      else if (model.find("ehci") != std::string_view::npos)
        machine_.usb.ehci = true;
      else if (model != "none")
        machine_.usb.uhci = true;
      document_.claim_rest(node, Aspect::usb);
      return;
    }
    const auto bus = std::ranges::find(kBuses, type, &BusName::name);
    if (bus == std::end(kBuses) || bus->bus == Bus::virtio || index > 0xffff) {
      document_.claim_rest(node, Aspect::structure);
      return;
    }
    Controller controller;
    controller.bus = bus->bus;
    controller.index = static_cast<std::uint32_t>(index);
    const auto known =
        std::ranges::find(kScsiModels, model, [](const auto& pair) { return pair.first; });
    controller.model = known != std::end(kScsiModels) ? known->second : model;
    if (controller.bus == Bus::sata && controller.model.empty()) controller.model = "ahci";
    const auto at = static_cast<std::uint32_t>(machine_.controllers.size());
    document_.claim(attribute_of(node, "model"), Aspect::controller_model, at);
    if (const auto address = child_of(node, "address"))
      document_.claim_rest(address, Aspect::controller_slot, at);
    document_.claim_rest(node, Aspect::controller, at);
    machine_.controllers.push_back(std::move(controller));
  }

  void port(pugi::xml_node node, std::vector<Port>& ports, Aspect aspect) {
    const auto index = static_cast<std::uint32_t>(ports.size());
    const auto source = child_of(node, "source");
    std::string target = attribute_of(source, "path").value();
    if (target.empty()) target = attribute_of(source, "host").value();
    ports.push_back({index, attribute_of(node, "type").value(), target});
    document_.claim_rest(node, aspect, index);
  }

  void video(pugi::xml_node node) {
    const auto model = child_of(node, "model");
    if (machine_.video.model.empty()) {
      machine_.video.model = attribute_of(model, "type").value();
      if (const auto kibibytes = parse_unsigned(attribute_of(model, "vram").value()))
        machine_.video.memory = checked_multiply<std::uint64_t>(*kibibytes, 1024);
    }
    document_.claim_rest(node, Aspect::video);
  }

  void hostdev(pugi::xml_node node) {
    const auto index = static_cast<std::uint32_t>(machine_.passthrough.size());
    machine_.passthrough.push_back(
        {attribute_of(node, "type").value(), attribute_of(node, "mode").value()});
    document_.claim_rest(node, Aspect::passthrough, index);
  }

  XmlDocument& document_;
  Machine& machine_;
  pugi::xml_node domain_;
  std::string type_;
  std::map<std::string, std::string, std::less<>> nic_names_;  ///< by MAC
};

}  // namespace

bool is_libvirt(std::string_view text, std::string_view) {
  const std::string_view head = text.substr(0, 64 << 10);
  return head.find("<domain") != std::string_view::npos &&
         head.find("<domainCapabilities") == std::string_view::npos &&
         head.find("<domainsnapshot") == std::string_view::npos;
}

Result<Definition> parse_libvirt(std::string_view text, const ParseOptions& options) {
  VMLIFT_TRY(XmlDocument document, XmlDocument::parse(text, options.limits));
  if (local_name(document.root()) != "domain")
    return fail(ErrorCode::BadXml, "line {}: the root element is no libvirt domain",
                document.line(document.root()));
  Definition definition;
  definition.dialect = "libvirt";
  definition.machines.emplace_back();
  Machine& machine = definition.machines.front();
  VMLIFT_CHECK(DomainReader(document, machine).read());
  document.account([&](std::size_t, SourceKey key) { machine.keys.push_back(std::move(key)); }, {});
  return definition;
}

}  // namespace vmlift::vm
