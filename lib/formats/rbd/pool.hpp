// A pool of a Ceph cluster, connected: where images are opened, created, renamed and removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "formats/rbd/librbd.hpp"
#include "formats/rbd/location.hpp"

namespace vmlift::rbd {

/// The error of a negative return value of librados or librbd.
Error ceph_error(int result, std::string_view activity);

/// How a new image is laid out; nothing said: the cluster's own defaults.
struct Layout {
  std::uint64_t object_size = 0;
  std::string features;  ///< "layering+exclusive-lock"
  std::string data_pool;
};

class Pool {
 public:
  /// Connects by librados' own rules: CEPH_CONF or /etc/ceph, CEPH_ARGS; `options` (conf, id,
  /// keyring) come after them. Errors: NotFound for the configuration or the pool, Timeout.
  static Result<std::shared_ptr<Pool>> connect(const Location& location,
                                               const std::map<std::string, std::string>& options,
                                               std::chrono::seconds timeout);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  const LibRbd& rbd() const { return rbd_; }
  rados_ioctx_t io() const { return io_; }
  /// What tells this client apart from the others that watch an image.
  std::int64_t client() const;
  /// The same cluster, another pool.
  Result<std::shared_ptr<Pool>> sibling(const Location& location) const;

  /// Whether images can be made like that here. Errors: InvalidArgument for the features, NotFound
  /// for the data pool.
  Result<void> check(const Layout& layout) const;
  Result<bool> exists(const std::string& image) const;
  Result<void> create(const std::string& image, std::uint64_t size, const Layout& layout) const;
  Result<void> remove(const std::string& image) const;
  /// Sees to it that an image can be removed from this pool even when it is full.
  Result<void> prepare_removal(const std::string& spare_name) const;
  /// Errors: Exists.
  Result<void> rename(const std::string& from, const std::string& to) const;

 private:
  struct Cluster;
  explicit Pool(LibRbd rbd) : rbd_(rbd) {}
  Result<void> enter(const Location& location);
  Result<std::uint64_t> features_named(const std::string& joined) const;

  const LibRbd rbd_;
  std::shared_ptr<Cluster> cluster_;
  rados_ioctx_t io_ = nullptr;
};

}  // namespace vmlift::rbd
