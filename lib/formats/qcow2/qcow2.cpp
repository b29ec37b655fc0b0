// The record of the format: how it is recognised, what it offers, where calls go.
#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/qcow2/image.hpp"
#include "formats/qcow2/in_place.hpp"
#include "formats/qcow2/writer.hpp"
#include "formats/records.hpp"

namespace vmlift {
namespace {

bool probe(std::span<const std::byte> head) {
  return head.size() >= 4 && load_be<std::uint32_t>(head) == qcow2::kMagic;
}

Result<std::unique_ptr<DiskBackend>> open(const OpenRequest& request) {
  if (request.options.writable) return qcow2::InPlaceImage::open(request);
  return qcow2::Image::open(request);
}

Result<std::unique_ptr<DiskBackend>> create(const CreateRequest& request) {
  return qcow2::Writer::create(request);
}

constexpr std::array kSubformats = {
    Subformat{.name = "v2", .read = true, .write = true, .create = true},
    Subformat{.name = "v3", .read = true, .write = true, .create = true},
};

}  // namespace

const Format kQcow2Format = {
    .name = "qcow2",
    .description = "QEMU's copy-on-write image, versions 2 and 3",
    .subformats = kSubformats,
    .options = qcow2::kOptions,
    .probe = probe,
    .open = open,
    .create = create,
};

}  // namespace vmlift
