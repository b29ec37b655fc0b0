#include "vm/target_drives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

// Libvirt gives an AHCI controller six ports, QEMU's pc two IDE channels of two.
constexpr std::uint32_t kIdePlaces = 4;

/// A SCSI controller that QEMU emulates: how many targets it has.
struct ScsiModel {
  std::string_view source;
  std::string_view model;
  std::uint32_t targets;
};
constexpr ScsiModel kScsiModels[] = {
    {"pvscsi", "vmpvscsi", 64},   {"lsisas1068", "lsisas1068", 8},
    {"lsilogic", "lsilogic", 7},  {"virtio-scsi", "virtio-scsi", 255},
    {"vmpvscsi", "vmpvscsi", 64},
};

const ScsiModel* find_scsi_model(std::string_view name) {
  const auto row = std::ranges::find(kScsiModels, name, &ScsiModel::source);
  return row == std::end(kScsiModels) ? nullptr : &*row;
}

const Controller* controller_of(const Machine& machine, const Address& address) {
  const auto found = std::ranges::find_if(machine.controllers, [&](const Controller& controller) {
    return controller.bus == address.bus && controller.index == address.controller;
  });
  return found == machine.controllers.end() ? nullptr : &*found;
}

/// Hands out device names: "sd" is shared by SATA, SCSI and USB, since libvirt wants names
/// unique across buses.
class Names {
 public:
  std::string next(std::string_view bus) {
    const std::string_view prefix = bus == "virtio" ? "vd"
                                    : bus == "xen"  ? "xvd"
                                    : bus == "ide"  ? "hd"
                                    : bus == "fdc"  ? "fd"
                                                    : "sd";
    return fmt::format("{}{}", prefix, letters(next_[std::string(prefix)]++));
  }

 private:
  static std::string letters(std::size_t number) {
    std::string text;
    do {
      text.insert(text.begin(), static_cast<char>('a' + number % 26));
      number = number / 26;
    } while (number-- > 0);
    return text;
  }
  std::map<std::string, std::size_t> next_;
};

class Planner {
 public:
  Planner(const Machine& machine, const TranslateOptions& options, const Decisions& decisions)
      : machine_(machine), options_(options), decisions_(decisions) {}

  TargetDrives plan() {
    TargetDrives drives;
    const std::vector<std::string> stems = disk_stems(machine_);
    const bool cd_first = decisions_.is("boot-order", "cdrom-first");
    std::uint32_t order = 0;
    const auto number_media = [&] {
      for (std::size_t at = 0; at < machine_.media.size(); ++at)
        if (machine_.media[at].kind == Medium::Kind::cdrom) cd_order_[at] = ++order;
    };
    if (cd_first) number_media();
    for (const std::size_t index : boot_sequence(machine_)) {
      TargetDrive drive = place(index);
      locate(drive, stems[index]);
      drive.boot_order = ++order;
      drives.disks.push_back(std::move(drive));
    }
    if (!cd_first) number_media();
    for (std::size_t at = 0; at < machine_.media.size(); ++at) {
      const bool floppy = machine_.media[at].kind == Medium::Kind::floppy;
      // libvirt has no floppy on Xen's PVH and drops more than two anywhere.
      TargetMedium medium{at, floppy ? "fdc" : cd_bus(), {}, cd_order_[at]};
      if (medium.bus == "ide") ++ide_used_;
      medium.name = names_.next(medium.bus);
      drives.media.push_back(std::move(medium));
    }
    return drives;
  }

 private:
  std::string cd_bus() const {
    if (!decisions_.is("machine", "q35") && ide_used_ < kIdePlaces) return "ide";
    return "sata";
  }

  void locate(TargetDrive& drive, const std::string& stem) const {
    const DiskTarget* target = named_target(machine_.disks[drive.index], options_);
    drive.format =
        target != nullptr && !target->format.empty() ? target->format : options_.disk_format;
    if (target != nullptr && !target->path.empty()) {
      drive.path = target->path;
      drive.server = target->server;
      return;
    }
    const std::string_view extension =
        drive.format == "raw" ? "img" : std::string_view(drive.format);
    const bool slash = options_.disk_directory.ends_with('/');
    drive.path =
        fmt::format("{}{}{}.{}", options_.disk_directory, slash ? "" : "/", stem, extension);
  }

  TargetDrive place(std::size_t index) {
    const Drive& disk = machine_.disks[index];
    TargetDrive drive{.index = index};
    drive.bus = decisions_["disk-bus"];
    if (drive.bus == "source") drive.bus = bus_of_source(disk, drive.reason);
    if (drive.bus == "ide" && (decisions_.is("machine", "q35") || ide_used_ >= kIdePlaces)) {
      drive.bus = "sata";
      drive.reason = "the board has no IDE place for it";
    }
    if (drive.bus == "ide") ++ide_used_;
    if (drive.bus == "scsi") place_on_scsi(disk, drive);
    drive.name = names_.next(drive.bus);
    return drive;
  }

  static std::string bus_of_source(const Drive& disk, std::string& reason) {
    switch (disk.address.bus) {
      case Bus::scsi:
        return "scsi";
      case Bus::sata:
        return "sata";
      case Bus::ide:
        return "ide";
      case Bus::virtio:
        return "virtio";
      case Bus::usb:
        return "usb";
      case Bus::xen:
        return "sata";
      case Bus::nvme:
        reason = "libvirt cannot attach an image as NVMe";
        return "sata";
      case Bus::floppy:
        break;
    }
    return "sata";
  }

  void place_on_scsi(const Drive& disk, TargetDrive& drive) {
    const Controller* controller = controller_of(machine_, disk.address);
    const std::string& decided = decisions_["scsi-model"];
    const bool from_scsi = disk.address.bus == Bus::scsi;
    std::string wanted = decided;
    if (decided == "source") wanted = controller != nullptr && from_scsi ? controller->model : "";
    // A VMX without virtualDev means the guest OS's default, which was never BusLogic since
    // there are 64-bit guests.
    if (wanted.empty()) wanted = "lsilogic";
    drive.controller = from_scsi ? disk.address.controller : 0;
    // One controller has one model: that of the first disk on it.
    wanted = models_.try_emplace(drive.controller, wanted).first->second;
    const ScsiModel* model = find_scsi_model(wanted);
    drive.unit = from_scsi ? disk.address.unit : next_unit_[drive.controller];
    while (units_.contains({drive.controller, drive.unit})) ++drive.unit;
    if (model == nullptr || drive.unit >= model->targets) {
      drive.reason = model == nullptr ? fmt::format("QEMU does not emulate {}", wanted)
                                      : fmt::format("{} has no place {}", model->model, drive.unit);
      drive.bus = "sata";
      return;
    }
    units_.insert({drive.controller, drive.unit});
    next_unit_[drive.controller] = drive.unit + 1;
    drive.scsi_model = model->model;
  }

  const Machine& machine_;
  const TranslateOptions& options_;
  const Decisions& decisions_;
  Names names_;
  std::map<std::size_t, std::uint32_t> cd_order_;
  std::map<std::uint32_t, std::string> models_;
  std::map<std::uint32_t, std::uint32_t> next_unit_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> units_;
  std::uint32_t ide_used_ = 0;
};

/// The firmware of VMware tries SCSI, NVMe, SATA, IDE, each by controller and unit.
int firmware_rank(Bus bus) {
  switch (bus) {
    case Bus::virtio:
      return 0;
    case Bus::scsi:
      return 1;
    case Bus::nvme:
      return 2;
    case Bus::sata:
      return 3;
    case Bus::xen:
      return 4;
    case Bus::ide:
      return 5;
    case Bus::usb:
      return 6;
    case Bus::floppy:
      return 7;
  }
  return 8;
}

}  // namespace

TargetDrives plan_drives(const Machine& machine, const TranslateOptions& options,
                         const Decisions& decisions) {
  return Planner(machine, options, decisions).plan();
}

std::vector<std::size_t> boot_sequence(const Machine& machine) {
  std::vector<std::size_t> sequence(machine.disks.size());
  std::iota(sequence.begin(), sequence.end(), std::size_t{0});
  std::ranges::sort(sequence, {}, [&](std::size_t index) {
    const Drive& disk = machine.disks[index];
    constexpr std::uint32_t kLast = 0xffffffff;
    return std::tuple(disk.boot_order.value_or(kLast), firmware_rank(disk.address.bus),
                      disk.address.controller, disk.address.unit, index);
  });
  return sequence;
}

const DiskTarget* named_target(const Drive& drive, const TranslateOptions& options) {
  auto found = drive.source ? options.disks.find(*drive.source) : options.disks.end();
  if (found == options.disks.end()) found = options.disks.find(drive.address.text());
  return found == options.disks.end() ? nullptr : &found->second;
}

std::vector<std::string> disk_stems(const Machine& machine) {
  std::vector<std::string> stems;
  std::set<std::string> taken;
  for (const Drive& disk : machine.disks) {
    std::string stem;
    if (disk.source) stem = stem_of(*disk.source);
    if (stem.empty())
      stem = fmt::format("{}-{}{}-{}", machine.identity.name, bus_name(disk.address.bus),
                         disk.address.controller, disk.address.unit);
    stem = safe_file_name(stem);
    std::string unique = stem;
    for (int number = 1; !taken.insert(unique).second; ++number)
      unique = fmt::format("{}-{}", stem, number);
    stems.push_back(std::move(unique));
  }
  return stems;
}

std::string drive_serial(std::string_view text, std::size_t longest) {
  constexpr std::string_view kTaken =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";
  std::string serial;
  for (const char c : text)
    if (kTaken.find(c) != std::string_view::npos) serial += c;
  return serial.substr(0, longest);
}

}  // namespace vmlift::vm
