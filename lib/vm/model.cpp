// The small functions of the public model.
#include <fmt/format.h>

#include <algorithm>

#include "vm/aspect.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

std::string Uuid::text() const {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += fmt::format("{:02x}", bytes[at]);
  }
  return text;
}

Uuid Uuid::fields_swapped() const {
  Uuid swapped = *this;
  std::reverse(swapped.bytes.begin(), swapped.bytes.begin() + 4);
  std::reverse(swapped.bytes.begin() + 4, swapped.bytes.begin() + 6);
  std::reverse(swapped.bytes.begin() + 6, swapped.bytes.begin() + 8);
  return swapped;
}

// Both halves lie little-endian in guest memory, and a GUID prints its first three fields from
// little-endian memory: so these come out in the order of the number, the rest byte by byte.
Uuid GenerationId::guid() const {
  Uuid memory;
  for (std::size_t at = 0; at < 8; ++at) {
    memory.bytes[at] = static_cast<std::uint8_t>(low >> (8 * at));
    memory.bytes[8 + at] = static_cast<std::uint8_t>(high >> (8 * at));
  }
  return memory.fields_swapped();
}

GenerationId GenerationId::from_guid(const Uuid& guid) {
  const Uuid memory = guid.fields_swapped();
  GenerationId id;
  for (std::size_t at = 0; at < 8; ++at) {
    id.low |= std::uint64_t{memory.bytes[at]} << (8 * at);
    id.high |= std::uint64_t{memory.bytes[8 + at]} << (8 * at);
  }
  return id;
}

std::string_view bus_name(Bus bus) noexcept {
  switch (bus) {
    case Bus::ide:
      return "ide";
    case Bus::scsi:
      return "scsi";
    case Bus::sata:
      return "sata";
    case Bus::nvme:
      return "nvme";
    case Bus::virtio:
      return "virtio";
    case Bus::usb:
      return "usb";
    case Bus::floppy:
      return "floppy";
    case Bus::xen:
      return "xen";
  }
  return "scsi";
}

std::string Address::text() const {
  return fmt::format("{}{}:{}", bus_name(bus), controller, unit);
}

std::string_view loss_status_name(LossStatus status) noexcept {
  switch (status) {
    case LossStatus::kept:
      return "kept";
    case LossStatus::mapped:
      return "mapped";
    case LossStatus::defaulted:
      return "defaulted";
    case LossStatus::dropped:
      return "dropped";
    case LossStatus::needs_action:
      return "needs-action";
  }
  return "dropped";
}

std::string_view severity_name(Severity severity) noexcept {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::blocker:
      return "blocker";
  }
  return "info";
}

std::string_view aspect_name(Aspect aspect) noexcept {
  switch (aspect) {
#define VMLIFT_ASPECT(name) \
  case Aspect::name:        \
    return #name;
    VMLIFT_ASPECTS(VMLIFT_ASPECT)
#undef VMLIFT_ASPECT
  }
  return "unknown";
}

}  // namespace vmlift::vm
