// Disks of a manifest, and the claims behind them.
#include <fmt/format.h>

#include "vm/kubevirt/manifest_writer.hpp"
#include "vm/scalar.hpp"
#include "vm/target_drives.hpp"

namespace vmlift::vm {
namespace {

// What the webhook takes.
constexpr std::size_t kLongestSerial = 256;

}  // namespace

std::string ManifestWriter::bus_of(const TargetDrive& drive) {
  const bool taken = drive.bus == "virtio" || drive.bus == "usb" ||
                     (drive.bus == "scsi" && drive.scsi_model == "virtio-scsi");
  return taken ? drive.bus : "sata";
}

void ManifestWriter::disk(const TargetDrive& drive) {
  const Drive& source = machine_.disks[drive.index];
  const DiskTarget* target = named_target(source, request_.options);
  const std::string volume = fmt::format("disk-{}", disks_.size());
  std::string claim = target != nullptr && !target->path.empty()
                          ? target->path
                          : label(fmt::format("{}-{}", name_.substr(0, 40), volume));
  claim = label(stem_of(claim));
  Json disk = {
      {"name", volume}, {"bootOrder", drive.boot_order}, {"disk", {{"bus", bus_of(drive)}}}};
  if (source.read_only) disk["disk"]["readonly"] = true;
  if (!source.serial.empty()) disk["serial"] = drive_serial(source.serial, kLongestSerial);
  if (source.shared) {
    disk["shareable"] = true;
    disk["cache"] = "none";
    account_.tell(
        Aspect::disk_sharing, drive.index,
        needs_action("put the disk on a claim of ReadWriteMany", "several machines write to it"));
  } else if (const std::string& cache = decisions_["disk-cache"];
             cache == "none" || cache == "writethrough" || cache == "writeback") {
    disk["cache"] = cache;
  }
  disks_.push_back(disk);
  const auto capacity = target != nullptr && target->capacity ? target->capacity : source.capacity;
  if (decisions_.is("volumes", "datavolume") && capacity) {
    Json storage = {
        {"resources",
         {{"requests",
           {{"storage", fmt::format("{}Mi", *capacity / kMiB + (*capacity % kMiB != 0))}}}}}};
    if (!decisions_.is("storage-class", "default"))
      storage["storageClassName"] = decisions_["storage-class"];
    const Json from =
        source.source ? Json{{"upload", Json::object()}} : Json{{"blank", Json::object()}};
    templates_.push_back(
        {{"metadata", {{"name", claim}}}, {"spec", {{"source", from}, {"storage", storage}}}});
    volumes_.push_back({{"name", volume}, {"dataVolume", {{"name", claim}}}});
  } else {
    volumes_.push_back({{"name", volume}, {"persistentVolumeClaim", {{"claimName", claim}}}});
  }
  account_.tell(
      Aspect::disk_source, drive.index,
      mapped(fmt::format("volumes[{}]", volume), fmt::format("is the claim {} now", claim)));
  account_.tell(Aspect::disk, drive.index, mapped(fmt::format("devices/disks[{}]", volume)));
}

}  // namespace vmlift::vm
