// One open RBD image as librbd has it: its requests (image.cpp), who else uses it
// (image_users.cpp), its snapshots and what differs between them (image_snapshots.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/rbd/pool.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::rbd {

class Image {
 public:
  enum class Mode {
    look,       ///< read, whoever else has it open
    read,       ///< read what nobody changes: a snapshot, or an image that nobody has open
    write,      ///< the only one to change it, under its exclusive lock where it has one
    write_new,  ///< the same for an image just created, whose name nobody knows
  };
  /// `snapshot` is an id or a name; empty: the image as it is now. Errors: NotFound; InUse where
  /// anybody else watches the image or holds its lock.
  static Result<std::unique_ptr<Image>> open(std::shared_ptr<Pool> pool, const std::string& name,
                                             const std::string& snapshot, Mode mode);
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const std::shared_ptr<Pool>& pool() const { return pool_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t object_size() const { return object_size_; }
  std::string id() const;
  std::string features() const;
  /// The map of objects is kept by the image: a coarse difference costs next to nothing.
  bool fast_diff() const;

  // Errors of all of them: SourceChanged where another client has shrunk the image meanwhile,
  // InUse where it has taken the lock away.
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) const;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer);
  Result<void> zero(Extent extent);
  Result<void> discard(Extent extent);
  Result<void> flush();

  /// A value of the image's own metadata.
  Result<std::optional<std::string>> metadata(const std::string& key) const;
  Result<void> set_metadata(const std::string& key, const std::string& value);
  Result<void> remove_metadata(const std::string& key);

  Result<std::vector<SnapshotInfo>> snapshots() const;
  /// Those too that the cluster keeps for itself: of groups, or only needed by clones any more.
  Result<std::size_t> count_all_snapshots() const;
  Result<SnapshotInfo> snapshot(std::string_view id) const;
  Result<SnapshotInfo> take_snapshot(const std::string& name);
  Result<void> remove_snapshot(std::string_view id);
  Result<void> roll_back(std::string_view id);
  Result<void> clone(std::string_view id, const Pool& to, const std::string& name) const;

  /// Runs that differ from the snapshot of that name (nullptr: from nothing at all), in
  /// ascending order; `exists`: there is data now. `whole_objects` may say too much.
  using DiffVisitor = std::function<void(Extent, bool exists)>;
  Result<void> differences(const char* since, Extent window, bool whole_objects,
                           const DiffVisitor& visit) const;
  /// Errors: InUse where anybody but this client watches the image or holds a lock of it.
  Result<void> check_alone() const;

 private:
  Image(std::shared_ptr<Pool> pool, std::string name)
      : pool_(std::move(pool)), name_(std::move(name)) {}
  /// Starts an asynchronous request by `start(completion)`, waits for its answer and gives it.
  template <class Start>
  Result<std::uint64_t> perform(std::string_view activity, Extent extent, Start start) const;
  Result<void> check_reaches(Extent extent) const;
  Error shrunk(std::uint64_t offset) const;
  Result<void> take_lock();
  /// Clients other than this one, in words; empty: none.
  Result<std::string> other_watcher() const;
  Result<std::string> other_owner() const;
  const LibRbd& rbd() const { return pool_->rbd(); }

  const std::shared_ptr<Pool> pool_;
  const std::string name_;
  rbd_image_t handle_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t object_size_ = 0;
};

}  // namespace vmlift::rbd
