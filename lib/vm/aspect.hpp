// What a key of a source is about. Readers tag every key with one of these, writers say what
// becomes of each: the loss report is the join of the two, so that no key can be forgotten.
#pragma once

#include <cstdint>
#include <string_view>

#include "vmlift/vm_model.hpp"

// VMLIFT_ASPECTS(X): X(name) for every aspect.
#define VMLIFT_ASPECTS(X)                                                                          \
  /* keys about nothing that moves */                                                              \
  X(unknown)                                                                                       \
  X(bookkeeping)                                                                                   \
  X(absent)                                                                                        \
  X(structure) X(vmware_device) X(tools) X(legal) /* the machine */                                \
      X(name) X(annotation) X(smbios_uuid) X(instance_uuid) X(serial_number) X(generation_id)      \
          X(guest_os) X(hardware_version) X(firmware) X(secure_boot) X(nvram) X(tpm) X(boot_order) \
              X(clock) X(clock_start) X(hpet) X(clock_sync) X(watchdog) X(snapshot) X(suspend)     \
                  X(encryption) X(property) X(guestinfo) X(shared_folder)                          \
                      X(startup_order) /* processors and memory */                                 \
      X(cpu_count) X(cpu_topology) X(cpu_hot_add) X(cpu_features) X(cpu_nested) X(cpu_iommu)       \
          X(cpu_vbs) X(cpu_mask) X(cpu_affinity) X(cpu_allocation) X(cpu_shares) X(cpu_latency)    \
              X(numa) X(memory_size) X(memory_hot_add) X(memory_allocation) X(memory_shares)       \
                  X(memory_pinned) /* storage; the device is an index into disks,                  \
                     media or controllers */                                                       \
      X(controller) X(controller_model) X(controller_sharing) X(controller_slot) X(disk)           \
          X(disk_source) X(disk_mode) X(disk_capacity) X(disk_serial) X(disk_uuid) X(disk_sharing) \
              X(disk_tracking) X(disk_io) X(disk_shares) X(disk_raw_mapping) X(disk_boot)          \
                  X(medium) X(medium_source)                                                       \
                      X(medium_connected) /* networks; the device is an index into nics */         \
      X(nic) X(nic_mac) X(nic_mac_class) X(nic_model) X(nic_network) X(nic_slot) X(nic_connected)  \
          X(nic_wake) X(network) /* other devices */                                               \
      X(serial_port) X(parallel_port) X(usb) X(usb_device) X(sound) X(video) X(passthrough)

namespace vmlift::vm {

enum class Aspect : std::uint16_t {
#define VMLIFT_ASPECT(name) name,
  VMLIFT_ASPECTS(VMLIFT_ASPECT)
#undef VMLIFT_ASPECT
};

inline constexpr std::size_t kAspectCount = 0
#define VMLIFT_ASPECT(name) +1
    VMLIFT_ASPECTS(VMLIFT_ASPECT)
#undef VMLIFT_ASPECT
    ;

std::string_view aspect_name(Aspect aspect) noexcept;

}  // namespace vmlift::vm
