// An image's snapshots: taken, removed, rolled back to, cloned, and what has changed since one.
#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/fail.hpp"
#include "formats/rbd/image.hpp"
#include "formats/rbd/image_options.hpp"

namespace vmlift::rbd {
namespace {

/// The snapshots of an image as librbd lists them, whatever they are for; their names are its own.
class SnapshotList {
 public:
  explicit SnapshotList(const LibRbd& rbd) : rbd_(rbd) {}
  ~SnapshotList() {
    if (count_ >= 0) rbd_.snap_list_end(list_.data());
  }
  SnapshotList(const SnapshotList&) = delete;
  SnapshotList& operator=(const SnapshotList&) = delete;

  Result<void> read(rbd_image_t image) {
    int room = 32;
    do {  // too little room: librbd tells how much it takes
      list_.assign(static_cast<std::size_t>(room), {});
      count_ = rbd_.snap_list(image, list_.data(), &room);
    } while (count_ == -ERANGE);
    if (count_ < 0) return std::unexpected(ceph_error(count_, "listing the image's snapshots"));
    return {};
  }
  std::span<const rbd_snap_info_t> snapshots() const {
    return std::span(list_).first(static_cast<std::size_t>(count_));
  }

 private:
  const LibRbd& rbd_;
  std::vector<rbd_snap_info_t> list_;
  int count_ = -1;
};

}  // namespace

Result<std::vector<SnapshotInfo>> Image::snapshots() const {
  SnapshotList list(rbd());
  VMLIFT_CHECK(list.read(handle_));
  std::vector<SnapshotInfo> snapshots;
  for (const rbd_snap_info_t& one : list.snapshots()) {
    rbd_snap_namespace_type_t kind = RBD_SNAP_NAMESPACE_TYPE_USER;
    // Those of groups and mirrors are the cluster's own.
    if (rbd().snap_get_namespace_type(handle_, one.id, &kind) < 0 ||
        kind != RBD_SNAP_NAMESPACE_TYPE_USER) {
      continue;
    }
    timespec created{};
    (void)rbd().snap_get_timestamp(handle_, one.id, &created);
    snapshots.push_back({.id = std::to_string(one.id),
                         .name = one.name,
                         .virtual_size = one.size,
                         .created = created.tv_sec});
  }
  return snapshots;
}

Result<std::size_t> Image::count_all_snapshots() const {
  SnapshotList list(rbd());
  VMLIFT_CHECK(list.read(handle_));
  return list.snapshots().size();
}

Result<SnapshotInfo> Image::snapshot(std::string_view id) const {
  VMLIFT_TRY(const auto all, snapshots());
  const auto found = std::ranges::find(all, id, &SnapshotInfo::id);
  if (found == all.end()) {
    return fail(ErrorCode::NotFound, "the image {} has no snapshot of id {} (any more)", name_, id);
  }
  return *found;
}

Result<SnapshotInfo> Image::take_snapshot(const std::string& name) {
  if (name.empty() || name.find_first_of("@/") != std::string::npos) {
    return fail(ErrorCode::InvalidArgument, "'{}' cannot be the name of a snapshot", name);
  }
  VMLIFT_CHECK(flush());
  if (const int r = rbd().snap_create(handle_, name.c_str()); r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("taking the snapshot {}", name)));
  }
  VMLIFT_TRY(const auto all, snapshots());
  const auto taken = std::ranges::find(all, name, &SnapshotInfo::name);
  if (taken == all.end()) {
    return fail(ErrorCode::SourceChanged, "the snapshot {} was removed at once", name);
  }
  return *taken;
}

Result<void> Image::remove_snapshot(std::string_view id) {
  VMLIFT_TRY(const SnapshotInfo found, snapshot(id));
  const int r = rbd().snap_remove_by_id(handle_, std::stoull(found.id));
  if (r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("removing the snapshot {}", found.name)));
  }
  return {};
}

Result<void> Image::roll_back(std::string_view id) {
  VMLIFT_TRY(const SnapshotInfo found, snapshot(id));
  if (found.virtual_size != size_) {
    return fail(ErrorCode::UnsupportedFeature,
                "the snapshot {} is of {} bytes, the image has {} now: rolling back across a "
                "change of size is not supported",
                found.name, found.virtual_size, size_);
  }
  VMLIFT_CHECK(check_alone());
  VMLIFT_CHECK(flush());
  if (const int r = rbd().snap_rollback(handle_, found.name.c_str()); r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("rolling back to {}", found.name)));
  }
  return {};
}

Result<void> Image::clone(std::string_view id, const Pool& to, const std::string& name) const {
  VMLIFT_TRY(const SnapshotInfo found, snapshot(id));
  const ImageOptions options(rbd());
  // The second kind needs no protected snapshot and lets the parent's be removed.
  constexpr std::uint64_t kSecondKind = 2;
  int r = options.set(RBD_IMAGE_OPTION_CLONE_FORMAT, kSecondKind);
  if (r == 0) {
    r = rbd().clone3(pool_->io(), name_.c_str(), found.name.c_str(), to.io(), name.c_str(),
                     options.get());
  }
  if (r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("cloning the snapshot {}", found.name)));
  }
  return {};
}

Result<void> Image::differences(const char* since, Extent window, bool whole_objects,
                                const DiffVisitor& visit) const {
  const auto visit_one = [](std::uint64_t offset, std::size_t length, int exists, void* visitor) {
    (*static_cast<const DiffVisitor*>(visitor))({offset, length}, exists != 0);
    return 0;
  };
  const int r =
      rbd().diff_iterate2(handle_, since, window.offset, window.length, 1, whole_objects ? 1 : 0,
                          visit_one, const_cast<DiffVisitor*>(&visit));
  if (r == -EINVAL && since != nullptr) {
    return fail(ErrorCode::InvalidArgument, "the snapshot is younger than what is compared to it");
  }
  if (r < 0) return std::unexpected(ceph_error(r, "asking what the image holds").at(window.offset));
  return {};
}

}  // namespace vmlift::rbd
