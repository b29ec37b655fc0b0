// Where a machine's drives end up on a KVM guest: files, buses, places and boot order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vm/decision.hpp"

namespace vmlift::vm {

/// A disk of the target, in boot order.
struct TargetDrive {
  std::size_t index = 0;  ///< in Machine::disks
  std::string path;
  std::string format;
  std::optional<DiskServer> server;  ///< where the disk is no file
  std::string bus;         ///< libvirt's word: "sata", "virtio", "scsi", "ide", "usb", "xen"
  std::string scsi_model;  ///< of its controller, for bus scsi
  std::uint32_t controller = 0;
  std::uint32_t unit = 0;
  std::string name;  ///< "sda", unique among all drives
  std::uint32_t boot_order = 0;
  std::string reason;  ///< why the bus is not the one decided upon
};

/// A removable drive of the target.
struct TargetMedium {
  std::size_t index = 0;
  std::string bus;
  std::string name;
  std::uint32_t boot_order = 0;
};

struct TargetDrives {
  std::vector<TargetDrive> disks;
  std::vector<TargetMedium> media;
};

TargetDrives plan_drives(const Machine& machine, const TranslateOptions& options,
                         const Decisions& decisions);

/// Disks in the order in which the source's firmware tries them.
std::vector<std::size_t> boot_sequence(const Machine& machine);

/// The target that the caller named for a disk, or nullptr.
const DiskTarget* named_target(const Drive& drive, const TranslateOptions& options);

/// A file name for each disk, unique within the machine and without extension: the stem of its
/// source, or the machine's name and the disk's address for a blank one.
std::vector<std::string> disk_stems(const Machine& machine);

/// A disk's serial number without the characters that QEMU and KubeVirt refuse, blanks above all.
std::string drive_serial(std::string_view text, std::size_t longest);

}  // namespace vmlift::vm
