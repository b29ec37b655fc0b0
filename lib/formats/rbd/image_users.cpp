// Who else has an image open or locked, and the lock that keeps them out.
#include <cerrno>
#include <cstring>

#include "base/fail.hpp"
#include "formats/rbd/image.hpp"

namespace vmlift::rbd {
namespace {

constexpr std::size_t kMostWatchers = 64;

}  // namespace

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

}  // namespace vmlift::rbd
