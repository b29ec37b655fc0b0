#include "formats/vmdk/descriptor_writer.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {

struct Geometry {
  std::uint64_t cylinders = 0;
  unsigned heads = 16;
  unsigned sectors = 63;
};

/// The geometry that VMware's own tools give a disk of that size on that adapter.
Geometry geometry_of(const NewImage& image) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  Geometry geometry;
  if (image.adapter_type != "ide") {
    geometry.heads = image.bytes() < kGiB ? 64 : image.bytes() < 2 * kGiB ? 128 : 255;
    geometry.sectors = image.bytes() < 2 * kGiB ? 32 : 63;
  }
  geometry.cylinders = image.sectors / (geometry.heads * geometry.sectors);
  // ATA's geometry ends here; larger disks are addressed by LBA.
  if (image.adapter_type == "ide") {
    geometry.cylinders = std::min<std::uint64_t>(geometry.cylinders, 16383);
  }
  return geometry;
}

}  // namespace

std::uint32_t ContentId::cid() const {
  std::uint32_t value = 0;
  std::from_chars(hex.data() + hex.size() - 8, hex.data() + hex.size(), value, 16);
  // The two highest values mean "no parent" and "see the long one".
  return value >= kLongContentId ? value - 2 : value;
}

ContentId ContentId::random() {
  std::array<unsigned char, 16> bytes{};
  (void)::getrandom(bytes.data(), bytes.size(), 0);
  ContentId content;
  for (const unsigned char byte : bytes) content.hex += fmt::format("{:02x}", byte);
  return content;
}

Result<void> require_plain_name(std::string_view name) {
  const bool plain = std::ranges::none_of(
      name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"'; });
  if (plain) return {};
  return fail(ErrorCode::InvalidArgument,
              "the target's name has quotes or control characters, which a VMDK descriptor "
              "cannot hold");
}

std::string write_descriptor(const NewImage& image, const std::vector<ListedExtent>& extents,
                             const ContentId& content) {
  const Geometry geometry = geometry_of(image);
  std::string text = fmt::format(
      "# Disk DescriptorFile\n"
      "version=1\n"
      "encoding=\"UTF-8\"\n"
      "CID={:08x}\n"
      "parentCID={:08x}\n"
      "isNativeSnapshot=\"no\"\n"
      "createType=\"{}\"\n"
      "\n"
      "# Extent description\n",
      content.cid(), kNoParent, kind_name(image.kind));
  for (const ListedExtent& extent : extents) {
    text += fmt::format("RW {} {} \"{}\"{}\n", extent.sectors, type_word(extent.type), extent.file,
                        extent.type == ExtentLine::Type::flat ? " 0" : "");
  }
  text += fmt::format(
      "\n"
      "# The Disk Data Base\n"
      "#DDB\n"
      "\n"
      "ddb.adapterType = \"{}\"\n"
      "ddb.encoding = \"UTF-8\"\n"
      "ddb.geometry.cylinders = \"{}\"\n"
      "ddb.geometry.heads = \"{}\"\n"
      "ddb.geometry.sectors = \"{}\"\n"
      "ddb.longContentID = \"{}\"\n"
      "ddb.toolsVersion = \"{}\"\n"
      "ddb.virtualHWVersion = \"{}\"\n",
      image.adapter_type, geometry.cylinders, geometry.heads, geometry.sectors, content.hex,
      image.tools_version, image.hardware_version);
  return text;
}

}  // namespace vmlift::vmdk
