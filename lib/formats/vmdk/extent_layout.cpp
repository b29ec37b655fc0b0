#include "formats/vmdk/extent_layout.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {
// VMware's size of a "2 GB" extent: 2047 MiB, so that file systems with 31-bit sizes hold it.
constexpr std::uint64_t kSplitSectors = 4192256;
}  // namespace

Result<std::vector<ListedExtent>> extent_layout(const NewImage& image, const std::string& name) {
  VMLIFT_CHECK(require_plain_name(name));
  const std::string stem = name.ends_with(".vmdk") ? name.substr(0, name.size() - 5) : name;
  const bool split = image.kind == Kind::two_gb_sparse || image.kind == Kind::two_gb_flat;
  const ExtentLine::Type type = image.kind == Kind::vmfs            ? ExtentLine::Type::vmfs
                                : image.kind == Kind::two_gb_sparse ? ExtentLine::Type::sparse
                                                                    : ExtentLine::Type::flat;
  if (!split) return std::vector{ListedExtent{image.sectors, type, stem + "-flat.vmdk"}};

  std::vector<ListedExtent> extents;
  std::uint64_t left = image.sectors;
  do {
    const std::uint64_t sectors = std::min(left, kSplitSectors);
    const char letter = type == ExtentLine::Type::sparse ? 's' : 'f';
    extents.push_back(
        {sectors, type, fmt::format("{}-{}{:03}.vmdk", stem, letter, extents.size() + 1)});
    left -= sectors;
  } while (left != 0);
  return extents;
}

}  // namespace vmlift::vmdk
