// The points in time that a disk holds.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_code vmlift_disk_snapshots(const vmlift_disk* disk, vmlift_snapshots** snapshots,
                                  vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, snapshots); !given) return given;
    *snapshots = nullptr;
    auto info = disk->disk->info();
    if (!info) return std::unexpected(std::move(info).error());
    *snapshots = new vmlift_snapshots{std::move(info->snapshots)};
    return {};
  });
}

void vmlift_snapshots_free(vmlift_snapshots* snapshots) { delete snapshots; }

size_t vmlift_snapshots_count(const vmlift_snapshots* snapshots) {
  return snapshots == nullptr ? 0 : snapshots->snapshots.size();
}

const char* vmlift_snapshots_id(const vmlift_snapshots* snapshots, size_t index) {
  if (index >= vmlift_snapshots_count(snapshots)) return nullptr;
  return snapshots->snapshots[index].id.c_str();
}

const char* vmlift_snapshots_name(const vmlift_snapshots* snapshots, size_t index) {
  if (index >= vmlift_snapshots_count(snapshots)) return nullptr;
  return snapshots->snapshots[index].name.c_str();
}

uint64_t vmlift_snapshots_size(const vmlift_snapshots* snapshots, size_t index) {
  if (index >= vmlift_snapshots_count(snapshots)) return 0;
  return snapshots->snapshots[index].virtual_size;
}

int64_t vmlift_snapshots_created(const vmlift_snapshots* snapshots, size_t index) {
  if (index >= vmlift_snapshots_count(snapshots)) return 0;
  return snapshots->snapshots[index].created;
}

vmlift_code vmlift_disk_take_snapshot(vmlift_disk* disk, const char* name, char** id,
                                      vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, name, id); !given) return given;
    *id = nullptr;
    const auto taken = disk->disk->take_snapshot(name);
    if (!taken) return std::unexpected(taken.error());
    *id = copied(taken->id);
    return {};
  });
}

vmlift_code vmlift_disk_remove_snapshot(vmlift_disk* disk, const char* id, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, id); !given) return given;
    return disk->disk->remove_snapshot(id);
  });
}

vmlift_code vmlift_disk_roll_back(vmlift_disk* disk, const char* id, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, id); !given) return given;
    return disk->disk->roll_back(id);
  });
}

vmlift_code vmlift_disk_clone_snapshot(vmlift_disk* disk, const char* id, const char* location,
                                       vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, id, location); !given) return given;
    return disk->disk->clone_snapshot(id, location);
  });
}

vmlift_code vmlift_disk_changes_since(const vmlift_disk* disk, const char* id, vmlift_map** changed,
                                      vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, id, changed); !given) return given;
    *changed = nullptr;
    return give_ranges(disk->disk->changes_since(id), changed);
  });
}
