#include "formats/rbd/image.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/fail.hpp"

namespace vmlift::rbd {
namespace {

constexpr std::size_t kMostWatchers = 64;
// A request's length is a signed number of 64 bits, its return value one of 32 on some paths.
constexpr std::uint64_t kMostZeros = std::uint64_t{1} << 30;

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

Result<std::unique_ptr<Image>> Image::open(std::shared_ptr<Pool> pool, const std::string& name,
                                           const std::string& snapshot, Mode mode) {
  std::unique_ptr<Image> image(new Image(std::move(pool), name));
  const LibRbd& rbd = image->rbd();
  const auto opened = [&](auto call, const char* snap) -> Result<void> {
    if (const int r = call(image->pool_->io(), name.c_str(), &image->handle_, snap); r < 0) {
      image->handle_ = nullptr;
      return std::unexpected(ceph_error(r, fmt::format("opening the image {}", name)));
    }
    return {};
  };
  // A look that registers nothing comes first: whoever else has it open shall not notice us.
  VMLIFT_CHECK(mode == Mode::write_new ? opened(rbd.open, nullptr)
                                       : opened(rbd.open_read_only, nullptr));
  if (!snapshot.empty()) {
    VMLIFT_TRY(const auto all, image->snapshots());
    auto found = std::ranges::find(all, snapshot, &SnapshotInfo::name);
    if (found == all.end()) found = std::ranges::find(all, snapshot, &SnapshotInfo::id);
    if (found == all.end()) {
      return fail(ErrorCode::NotFound, "the image {} has no snapshot '{}'", name, snapshot);
    }
    rbd.close(std::exchange(image->handle_, nullptr));
    VMLIFT_CHECK(opened(rbd.open_read_only, found->name.c_str()));
  } else if (mode == Mode::read || mode == Mode::write) {
    VMLIFT_CHECK(image->check_alone());
  }
  if (mode == Mode::write) {
    rbd.close(std::exchange(image->handle_, nullptr));
    VMLIFT_CHECK(opened(rbd.open, nullptr));
  }
  if (mode == Mode::write || mode == Mode::write_new) VMLIFT_CHECK(image->take_lock());
  rbd_image_info_t info{};
  if (const int r = rbd.stat(image->handle_, &info, sizeof info); r < 0) {
    return std::unexpected(ceph_error(r, "reading the image's header"));
  }
  image->size_ = info.size;
  image->object_size_ = info.obj_size;
  return image;
}

Image::~Image() {
  if (handle_ != nullptr) rbd().close(handle_);
}

/// Taken, not lent: a lock that librbd takes by itself goes to whoever asks for it.
Result<void> Image::take_lock() {
  const int r = rbd().lock_acquire(handle_, RBD_LOCK_MODE_EXCLUSIVE);
  if (r == -EINVAL) return check_alone();  // an image without the feature
  if (r == -EBUSY || r == -EROFS) {
    return fail(ErrorCode::InUse, "another client holds the image's lock");
  }
  if (r < 0) return std::unexpected(ceph_error(r, "taking the image's lock"));
  return check_alone();
}

Result<void> Image::check_alone() const {
  VMLIFT_TRY(const std::string watcher, other_watcher());
  if (!watcher.empty()) {
    return fail(ErrorCode::InUse,
                "the image is open elsewhere ({}); close it there, or read a snapshot of it",
                watcher);
  }
  // Who crashed is no watcher any more, and its lock stays.
  VMLIFT_TRY(const std::string owner, other_owner());
  if (!owner.empty()) {
    return fail(ErrorCode::InUse,
                "the image is locked by {}; 'rbd lock rm' ends the lock of one that is gone",
                owner);
  }
  return {};
}

Result<std::string> Image::other_watcher() const {
  std::vector<rbd_image_watcher_t> watchers(kMostWatchers);
  std::size_t count = watchers.size();
  int r = rbd().watchers_list(handle_, watchers.data(), &count);
  if (r < 0 && r != -ERANGE) return std::unexpected(ceph_error(r, "listing who uses the image"));
  std::string other;
  if (r == -ERANGE) {
    other = "many clients";
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      if (watchers[i].id != pool_->client()) {
        other = fmt::format("client.{} at {}", watchers[i].id, watchers[i].addr);
      }
    }
    rbd().watchers_list_cleanup(watchers.data(), count);
  }
  return other;
}

/// Exclusive locks, which librbd's clients take, and those that people set by `rbd lock add`.
Result<std::string> Image::other_owner() const {
  std::string clients, cookies, addresses, tag;
  std::size_t client_room = 0, cookie_room = 0, address_room = 0, tag_room = 0;
  ssize_t r = -ERANGE;
  // The first call tells how much room the names take.
  for (int attempt = 0; attempt < 4 && r == -ERANGE; ++attempt) {
    clients.resize(client_room);
    cookies.resize(cookie_room);
    addresses.resize(address_room);
    tag.resize(tag_room);
    int exclusive = 0;
    r = rbd().list_lockers(handle_, &exclusive, tag.data(), &tag_room, clients.data(), &client_room,
                           cookies.data(), &cookie_room, addresses.data(), &address_room);
  }
  if (r < 0) {
    return std::unexpected(ceph_error(static_cast<int>(r), "listing who has locked the image"));
  }
  // Names one behind the other, each with a NUL at its end.
  const std::string own = fmt::format("client.{}", pool_->client());
  for (const char* name = clients.c_str(); r > 0; --r, name += std::strlen(name) + 1) {
    if (name != own) return std::string(name);
  }
  return std::string();
}

template <class Start>
Result<std::uint64_t> Image::perform(std::string_view activity, Extent extent, Start start) const {
  rbd_completion_t completion = nullptr;
  if (const int r = rbd().aio_create_completion(nullptr, nullptr, &completion); r < 0) {
    return std::unexpected(ceph_error(r, activity).at(extent.offset));
  }
  ssize_t answer = start(completion);
  if (answer >= 0) {
    // Ends in any case: librados gives up after its timeout and answers with it, and librbd waits
    // for nothing else, as what is written is its own copy (pool.cpp).
    rbd().aio_wait_for_complete(completion);
    answer = rbd().aio_get_return_value(completion);
  }
  rbd().aio_release(completion);
  if (answer >= 0 || answer == -EINVAL) VMLIFT_CHECK(check_reaches(extent));
  if (answer < 0) {
    return std::unexpected(ceph_error(static_cast<int>(answer), activity).at(extent.offset));
  }
  return static_cast<std::uint64_t>(answer);
}

/// Another client may shrink the image, also one that is locked: librbd asks the lock's owner, and
/// its threads do it. Requests across the new end are cut short there, and told to be done.
Result<void> Image::check_reaches(Extent extent) const {
  std::uint64_t now = 0;
  if (const int r = rbd().get_size(handle_, &now); r < 0) {
    return std::unexpected(ceph_error(r, "asking for the image's size"));
  }
  return now < extent.end() ? std::unexpected(shrunk(extent.offset)) : Result<void>();
}

Error Image::shrunk(std::uint64_t offset) const {
  return error(ErrorCode::SourceChanged,
               "another client has shrunk the image, which had {} bytes when it was opened", size_)
      .at(offset);
}

Result<void> Image::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  VMLIFT_TRY(const std::uint64_t count,
             perform("reading the image", {offset, buffer.size()}, [&](rbd_completion_t done) {
               return rbd().aio_read(handle_, offset, buffer.size(),
                                     reinterpret_cast<char*>(buffer.data()), done);
             }));
  if (count != buffer.size()) return std::unexpected(shrunk(offset));
  return {};
}

Result<void> Image::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  VMLIFT_CHECK(perform("writing the image", {offset, buffer.size()}, [&](rbd_completion_t done) {
    return rbd().aio_write(handle_, offset, buffer.size(),
                           reinterpret_cast<const char*>(buffer.data()), done);
  }));
  return {};
}

Result<void> Image::zero(Extent extent) {
  while (!extent.empty()) {
    const Extent part{extent.offset, std::min(extent.length, kMostZeros)};
    VMLIFT_CHECK(perform("writing zeros to the image", part, [&](rbd_completion_t done) {
      return rbd().aio_write_zeroes(handle_, part.offset, part.length, done, 0, 0);
    }));
    extent = {part.end(), extent.length - part.length};
  }
  return {};
}

Result<void> Image::discard(Extent extent) {
  while (!extent.empty()) {
    const Extent part{extent.offset, std::min(extent.length, kMostZeros)};
    VMLIFT_CHECK(perform("discarding from the image", part, [&](rbd_completion_t done) {
      return rbd().aio_discard(handle_, part.offset, part.length, done);
    }));
    extent = {part.end(), extent.length - part.length};
  }
  return {};
}

Result<void> Image::flush() {
  VMLIFT_CHECK(perform("flushing the image", {0, size_},
                       [&](rbd_completion_t done) { return rbd().aio_flush(handle_, done); }));
  return {};
}

std::string Image::id() const {
  char text[256] = {};
  return rbd().get_id(handle_, text, sizeof text) == 0 ? text : "";
}

std::string Image::features() const {
  std::uint64_t features = 0;
  char text[512] = {};
  std::size_t length = sizeof text;
  if (rbd().get_features(handle_, &features) < 0 ||
      rbd().features_to_string(features, text, &length) < 0) {
    return "";
  }
  std::string names = text;
  std::ranges::replace(names, ',', '+');
  return names;
}

bool Image::fast_diff() const {
  std::uint64_t features = 0;
  std::uint64_t flags = 0;
  return rbd().get_features(handle_, &features) == 0 && rbd().get_flags(handle_, &flags) == 0 &&
         (features & RBD_FEATURE_FAST_DIFF) != 0 &&
         (flags & (RBD_FLAG_FAST_DIFF_INVALID | RBD_FLAG_OBJECT_MAP_INVALID)) == 0;
}

Result<std::optional<std::string>> Image::metadata(const std::string& key) const {
  std::string value(256, '\0');
  std::size_t length = value.size();
  int r = rbd().metadata_get(handle_, key.c_str(), value.data(), &length);
  if (r == -ERANGE) {
    value.resize(length);
    r = rbd().metadata_get(handle_, key.c_str(), value.data(), &length);
  }
  if (r == -ENOENT) return std::nullopt;
  if (r < 0) return std::unexpected(ceph_error(r, "reading the image's metadata"));
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

Result<void> Image::set_metadata(const std::string& key, const std::string& value) {
  if (const int r = rbd().metadata_set(handle_, key.c_str(), value.c_str()); r < 0) {
    return std::unexpected(ceph_error(r, "writing the image's metadata"));
  }
  return {};
}

Result<void> Image::remove_metadata(const std::string& key) {
  const int r = rbd().metadata_remove(handle_, key.c_str());
  if (r < 0 && r != -ENOENT) {
    return std::unexpected(ceph_error(r, "writing the image's metadata"));
  }
  return {};
}

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
  rbd_image_options_t options = nullptr;
  rbd().image_options_create(&options);
  // The second kind needs no protected snapshot and lets the parent's be removed.
  constexpr std::uint64_t kSecondKind = 2;
  int r = rbd().image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, kSecondKind);
  if (r == 0) {
    r = rbd().clone3(pool_->io(), name_.c_str(), found.name.c_str(), to.io(), name.c_str(),
                     options);
  }
  rbd().image_options_destroy(options);
  if (r < 0)
    return std::unexpected(ceph_error(r, fmt::format("cloning the snapshot {}", found.name)));
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
