#include "formats/rbd/image.hpp"

#include <algorithm>
#include <cerrno>

#include "base/fail.hpp"

namespace vmlift::rbd {
namespace {

// A request's length is a signed number of 64 bits, its return value one of 32 on some paths.
constexpr std::uint64_t kMostZeros = std::uint64_t{1} << 30;

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

}  // namespace vmlift::rbd
