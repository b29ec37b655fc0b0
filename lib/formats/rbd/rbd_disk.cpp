#include "formats/rbd/rbd_disk.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "formats/rbd/allocation.hpp"
#include "formats/rbd/image.hpp"
#include "formats/rbd/location.hpp"
#include "formats/rbd/pool.hpp"

namespace vmlift::rbd {
namespace {

// Objects lie on many servers: so many requests keep them busy.
constexpr std::uint32_t kRequests = 16;
// Parts of an object on their way while others are stored: measured to be a third faster than
// whole objects of 4 MiB, in a quarter of the memory.
constexpr std::uint64_t kRequestSize = 1 << 20;
constexpr std::chrono::milliseconds kRemovePauses[] = {
    std::chrono::milliseconds(200), std::chrono::milliseconds(1000), std::chrono::milliseconds(0)};
// The mark of a target that is being written, in the image's metadata.
const std::string kStateKey = "vmlift.state";
const std::string kIncomplete = "incomplete";

class RbdDisk : public DiskBackend {
 public:
  RbdDisk(std::unique_ptr<Image> image, bool writable)
      : image_(std::move(image)), writable_(writable) {}

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return image_->size(); }
  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.zero = can.discard = writable_;
    can.requests = kRequests;
    can.request_size = std::min(image_->object_size(), kRequestSize);
    return can;
  }
  Result<void> info(DiskInfo& info) const override;

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return image_->read(offset, buffer);
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    return allocation_.at(*image_, offset, length);
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return changing([&] { return image_->write(offset, buffer); });
  }
  Result<void> zero(Extent extent) override {
    return changing([&] { return image_->zero(extent); });
  }
  Result<void> discard(Extent extent) override {
    return changing([&] { return image_->discard(extent); });
  }
  Result<void> flush() override { return image_->flush(); }

  Result<SnapshotInfo> take_snapshot(const std::string& name) override {
    return image_->take_snapshot(name);
  }
  Result<void> remove_snapshot(std::string_view id) override { return image_->remove_snapshot(id); }
  Result<void> roll_back(std::string_view id) override {
    return changing([&] { return image_->roll_back(id); });
  }
  Result<void> clone_snapshot(std::string_view id, const std::string& location) override;
  Result<ExtentSet> changes_since(std::string_view id) override;

 private:
  /// Makes a change and forgets the map afterwards: one that is asked for meanwhile may be of
  /// before the change, and forgetting waits for its answer.
  template <class Change>
  Result<void> changing(Change change) {
    auto changed = change();
    allocation_.forget();
    return changed;
  }

 protected:
  std::unique_ptr<Image> image_;
  Allocation allocation_;
  const bool writable_;
};

Result<void> RbdDisk::info(DiskInfo& info) const {
  info.subformat = "image";
  VMLIFT_TRY(info.snapshots, image_->snapshots());
  info.details = {{"id", image_->id()},
                  {"object_size", std::to_string(image_->object_size())},
                  {"features", image_->features()}};
  return {};
}

Result<void> RbdDisk::clone_snapshot(std::string_view id, const std::string& location) {
  VMLIFT_TRY(const Location to, parse_location(location));
  if (!to.snapshot.empty()) {
    return fail(ErrorCode::InvalidArgument, "a clone is an image, not a snapshot: {}", location);
  }
  VMLIFT_TRY(const auto pool, image_->pool()->sibling(to));
  return image_->clone(id, *pool, to.image);
}

/// By the id: a snapshot that was made anew under the old name has another one.
Result<ExtentSet> RbdDisk::changes_since(std::string_view id) {
  VMLIFT_TRY(const SnapshotInfo since, image_->snapshot(id));
  // The map of objects tells at once which objects have changed; only those are asked for more.
  ExtentSet objects{{0, size()}};
  if (image_->fast_diff()) {
    objects.clear();
    VMLIFT_CHECK(image_->differences(since.name.c_str(), {0, size()}, true,
                                     [&](Extent run, bool) { objects.add(run); }));
  }
  ExtentSet changed;
  for (const Extent& stretch : objects) {
    VMLIFT_CHECK(image_->differences(since.name.c_str(), stretch, false,
                                     [&](Extent run, bool) { changed.add(run); }));
  }
  // librbd asks by the name: it was still that snapshot's.
  VMLIFT_CHECK(image_->snapshot(id));
  // What the image has grown by reads as zeros, where the snapshot had nothing.
  if (size() > since.virtual_size) {
    changed.add({since.virtual_size, size() - since.virtual_size});
  }
  return changed.within({0, size()});
}

/// What is to be replaced must be there for the taking.
Result<void> check_replaceable(const std::shared_ptr<Pool>& pool, const std::string& name) {
  VMLIFT_TRY(const auto old, Image::open(pool, name, "", Image::Mode::read));
  VMLIFT_TRY(const std::size_t snapshots, old->count_all_snapshots());
  if (snapshots != 0) {
    return fail(ErrorCode::Exists,
                "the image {} has snapshots ({}, counting those that its clones need) and is not "
                "replaced; remove them and flatten the clones first",
                name, snapshots);
  }
  return {};
}

/// A new image on its way to its name: written as NAME.partial-RANDOM and marked in its
/// metadata, renamed at the end, removed when it is given up.
class RbdTarget : public RbdDisk {
 public:
  RbdTarget(std::unique_ptr<Image> image, std::string partial, std::string name, bool replace)
      : RbdDisk(std::move(image), true),
        pool_(image_->pool()),
        partial_(std::move(partial)),
        name_(std::move(name)),
        replace_(replace) {}

  ~RbdTarget() override {
    if (partial_.empty()) return;
    image_.reset();  // gives the lock back
    // A cluster that is just running full refuses at first; nobody can be told of it here.
    for (const auto pause : kRemovePauses) {
      if (pool_->remove(partial_)) return;
      std::this_thread::sleep_for(pause);
    }
  }

  DiskCapabilities capabilities() const override {
    DiskCapabilities can = RbdDisk::capabilities();
    can.zero_initialised = true;
    return can;
  }

  Result<void> complete() override { return image_->flush(); }

  Result<std::unique_ptr<DiskBackend>> reopen() override {
    VMLIFT_TRY(auto image, Image::open(pool_, partial_, "", Image::Mode::look));
    return std::make_unique<RbdDisk>(std::move(image), false);
  }

  Result<void> publish() override;

 private:
  Result<void> take_name();
  Result<void> replace_old();

  const std::shared_ptr<Pool> pool_;
  std::string partial_;  // empty once it has its name
  const std::string name_;
  const bool replace_;
};

std::string random_suffix() {
  std::uint64_t number = 0;
  (void)::getrandom(&number, sizeof number, 0);
  return fmt::format("{:016x}", number);
}

Result<void> RbdTarget::publish() {
  VMLIFT_CHECK(image_->remove_metadata(kStateKey));
  VMLIFT_CHECK(image_->flush());
  // From here on only looked at: the lock goes back, and nobody sees the image in use.
  VMLIFT_TRY(image_, Image::open(pool_, partial_, "", Image::Mode::look));
  if (!replace_) return take_name();
  VMLIFT_TRY(const bool exists, pool_->exists(name_));
  return exists ? replace_old() : take_name();
}

Result<void> RbdTarget::take_name() {
  VMLIFT_CHECK(pool_->rename(partial_, name_));
  partial_.clear();
  return {};
}

/// The old image keeps its data under another name until the new one has taken its place.
Result<void> RbdTarget::replace_old() {
  // It may have been opened since, or a snapshot of it taken.
  VMLIFT_CHECK(check_replaceable(pool_, name_));
  const std::string aside = name_ + ".replaced-" + random_suffix();
  VMLIFT_CHECK(pool_->rename(name_, aside));
  if (auto named = take_name(); !named) {
    (void)pool_->rename(aside, name_);
    return named;
  }
  if (auto removed = pool_->remove(aside); !removed) {
    return fail(removed.error().code(),
                "the image {} is complete, and what it replaced could not be removed; it is left "
                "as {}: {}",
                name_, aside, removed.error().message());
  }
  return {};
}

Result<Layout> read_layout(const std::map<std::string, std::string>& options) {
  Layout layout;
  for (const auto& [name, value] : options) {
    if (name == "features") layout.features = value;
    if (name == "data_pool") layout.data_pool = value;
    if (name != "object_size") continue;
    const char* const end = value.data() + value.size();
    const auto [rest, status] = std::from_chars(value.data(), end, layout.object_size);
    const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
    const unsigned shift = suffix == "k" || suffix == "K" ? 10 : suffix == "M" ? 20 : 0;
    if (status != std::errc{} || (shift == 0 && !suffix.empty()) ||
        layout.object_size > (32u << 20)) {
      layout.object_size = 0;
    }
    layout.object_size <<= shift;
    if (!std::has_single_bit(layout.object_size) || layout.object_size < 4096 ||
        layout.object_size > (32u << 20)) {
      return fail(ErrorCode::InvalidArgument,
                  "object_size is a power of two from 4K to 32M, not '{}'", value);
    }
  }
  return layout;
}

Result<void> check_complete(const Image& image) {
  VMLIFT_TRY(const auto state, image.metadata(kStateKey));
  if (state != kIncomplete) return {};
  return fail(ErrorCode::Incomplete,
              "this image is being copied onto, or that was interrupted; 'rbd rm' removes it");
}

/// Where a new image goes, and that it may.
struct Vacancy {
  std::shared_ptr<Pool> pool;
  std::string image;
  Layout layout;
};

Result<Vacancy> find_vacancy(const CreateRequest& request) {
  VMLIFT_TRY(const Location location, parse_location(request.location));
  const CreateOptions& options = request.options;
  if (!location.snapshot.empty()) {
    return fail(ErrorCode::InvalidArgument, "a snapshot cannot be a target; name the image");
  }
  if (options.compress) {
    return fail(ErrorCode::InvalidArgument, "an RBD image holds plain bytes: no compression");
  }
  VMLIFT_TRY(const Layout layout, read_layout(options.options));
  VMLIFT_TRY(auto pool, Pool::connect(location, options.options,
                                      std::chrono::seconds(options.limits.io_timeout)));
  VMLIFT_CHECK(pool->check(layout));
  VMLIFT_TRY(const bool exists, pool->exists(location.image));
  if (exists && !options.overwrite) {
    return fail(ErrorCode::Exists, "the image {} exists already; --overwrite replaces it",
                location.image);
  }
  if (exists) VMLIFT_CHECK(check_replaceable(pool, location.image));
  return Vacancy{std::move(pool), location.image, layout};
}

}  // namespace

Result<std::unique_ptr<DiskBackend>> open_image(const OpenRequest& request) {
  VMLIFT_TRY(const Location location, parse_location(request.location));
  const OpenOptions& options = request.options;
  const std::string& snapshot = location.snapshot.empty() ? options.snapshot : location.snapshot;
  if (!location.snapshot.empty() && !options.snapshot.empty() &&
      location.snapshot != options.snapshot) {
    return fail(ErrorCode::InvalidArgument, "two snapshots are named: '{}' and '{}'",
                location.snapshot, options.snapshot);
  }
  if (options.writable && !snapshot.empty()) {
    return fail(ErrorCode::Permission, "a snapshot cannot be written; clone it");
  }
  VMLIFT_TRY(auto pool, Pool::connect(location, options.options,
                                      std::chrono::seconds(options.limits.io_timeout)));
  const Image::Mode mode = options.writable              ? Image::Mode::write
                           : options.policy.allow_in_use ? Image::Mode::look
                                                         : Image::Mode::read;
  auto image = Image::open(pool, location.image, snapshot, mode);
  if (!image && image.error().code() == ErrorCode::InUse) {
    // Of a copy that was killed the lock is there still, and the mark says more.
    VMLIFT_TRY(const auto seen, Image::open(pool, location.image, "", Image::Mode::look));
    VMLIFT_CHECK(check_complete(*seen));
  }
  if (!image) return std::unexpected(std::move(image).error());
  VMLIFT_CHECK(check_complete(**image));
  return std::make_unique<RbdDisk>(*std::move(image), options.writable);
}

Result<void> check_target(const CreateRequest& request) {
  VMLIFT_CHECK(find_vacancy(request));
  return {};
}

Result<std::unique_ptr<DiskBackend>> create_image(const CreateRequest& request) {
  VMLIFT_TRY(const Vacancy vacancy, find_vacancy(request));
  const auto& [pool, name, layout] = vacancy;
  const std::string partial = name + ".partial-" + random_suffix();
  VMLIFT_CHECK(pool->prepare_removal(partial + ".spare"));
  VMLIFT_CHECK(pool->create(partial, request.options.size, layout));
  auto marked = [&]() -> Result<std::unique_ptr<DiskBackend>> {
    VMLIFT_TRY(auto image, Image::open(vacancy.pool, partial, "", Image::Mode::write_new));
    VMLIFT_CHECK(image->set_metadata(kStateKey, kIncomplete));
    return std::make_unique<RbdTarget>(std::move(image), partial, vacancy.image,
                                       request.options.overwrite);
  }();
  if (!marked) (void)pool->remove(partial);
  return marked;
}

}  // namespace vmlift::rbd
