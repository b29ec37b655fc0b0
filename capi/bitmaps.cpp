// The persistent bitmaps that a disk holds.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_code vmlift_disk_bitmaps(const vmlift_disk* disk, vmlift_bitmaps** bitmaps,
                                vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, bitmaps); !given) return given;
    *bitmaps = nullptr;
    auto info = disk->disk->info();
    if (!info) return std::unexpected(std::move(info).error());
    *bitmaps = new vmlift_bitmaps{std::move(info->bitmaps)};
    return {};
  });
}

void vmlift_bitmaps_free(vmlift_bitmaps* bitmaps) { delete bitmaps; }

size_t vmlift_bitmaps_count(const vmlift_bitmaps* bitmaps) {
  return bitmaps == nullptr ? 0 : bitmaps->bitmaps.size();
}

const char* vmlift_bitmaps_name(const vmlift_bitmaps* bitmaps, size_t index) {
  if (index >= vmlift_bitmaps_count(bitmaps)) return nullptr;
  return bitmaps->bitmaps[index].name.c_str();
}

uint64_t vmlift_bitmaps_granularity(const vmlift_bitmaps* bitmaps, size_t index) {
  if (index >= vmlift_bitmaps_count(bitmaps)) return 0;
  return bitmaps->bitmaps[index].granularity;
}

unsigned vmlift_bitmaps_flags(const vmlift_bitmaps* bitmaps, size_t index) {
  if (index >= vmlift_bitmaps_count(bitmaps)) return 0;
  const vmlift::BitmapInfo& bitmap = bitmaps->bitmaps[index];
  return flag(bitmap.enabled, VMLIFT_BITMAP_ENABLED) |
         flag(bitmap.consistent, VMLIFT_BITMAP_CONSISTENT);
}

vmlift_code vmlift_disk_bitmap(const vmlift_disk* disk, const char* name, vmlift_map** marked,
                               vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, name, marked); !given) return given;
    *marked = nullptr;
    return give_ranges(disk->disk->bitmap(name), marked);
  });
}

vmlift_code vmlift_disk_add_bitmap(vmlift_disk* disk, const char* name, uint64_t granularity,
                                   unsigned flags, const vmlift_extent* marked, size_t count,
                                   vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, name); !given) return given;
    if (auto given = required(marked); count != 0 && !given) return given;
    if ((flags & ~static_cast<unsigned>(VMLIFT_BITMAP_ENABLED)) != 0) {
      return std::unexpected(vmlift::Error(vmlift::ErrorCode::InvalidArgument,
                                           "flags of a new bitmap: 0 or VMLIFT_BITMAP_ENABLED"));
    }
    std::vector<vmlift::Extent> extents;
    for (size_t n = 0; n < count; ++n) extents.push_back({marked[n].offset, marked[n].length});
    return disk->disk->add_bitmap(
        {.name = name, .granularity = granularity, .enabled = (flags & VMLIFT_BITMAP_ENABLED) != 0},
        extents);
  });
}
