// What lies where.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_code vmlift_disk_map(const vmlift_disk* disk, vmlift_map** map, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, map); !given) return given;
    *map = nullptr;
    auto extents = disk->disk->map();
    if (!extents) return std::unexpected(std::move(extents).error());
    *map = new vmlift_map{*std::move(extents)};
    return {};
  });
}

void vmlift_map_free(vmlift_map* map) { delete map; }

size_t vmlift_map_count(const vmlift_map* map) { return map == nullptr ? 0 : map->extents.size(); }

bool vmlift_map_extent(const vmlift_map* map, size_t index, vmlift_extent* extent) {
  if (extent == nullptr || index >= vmlift_map_count(map)) return false;
  const vmlift::DiskExtent& run = map->extents[index];
  *extent = {.offset = run.offset,
             .length = run.length,
             .host_offset = run.host_offset.value_or(0),
             .depth = run.depth,
             .flags = flag(run.present, VMLIFT_EXTENT_PRESENT) |
                      flag(run.zero, VMLIFT_EXTENT_ZERO) | flag(run.data, VMLIFT_EXTENT_DATA) |
                      flag(run.compressed, VMLIFT_EXTENT_COMPRESSED) |
                      flag(run.host_offset.has_value(), VMLIFT_EXTENT_HOST)};
  return true;
}

Result<void> vmlift::capi::give_ranges(const Result<vmlift::ExtentSet>& ranges, vmlift_map** map) {
  if (!ranges) return std::unexpected(ranges.error());
  auto made = std::make_unique<vmlift_map>();
  for (const vmlift::Extent& extent : *ranges) {
    made->extents.push_back({.offset = extent.offset, .length = extent.length});
  }
  *map = made.release();
  return {};
}
