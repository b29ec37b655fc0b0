#include "formats/rbd/pool.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/fail.hpp"
#include "formats/rbd/image_options.hpp"

namespace vmlift::rbd {

Error ceph_error(int result, std::string_view activity) {
  // The lock was taken from us, or the cluster has fenced us off.
  if (result == -ESHUTDOWN) {
    return error(ErrorCode::InUse, "{}: another client has taken the image over", activity)
        .os(ESHUTDOWN);
  }
  return os_error(-result, activity);
}

struct Pool::Cluster {
  explicit Cluster(LibRados calls) : rados(calls) {}
  ~Cluster() {
    if (handle != nullptr) rados.shutdown(handle);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const LibRados rados;
  rados_t handle = nullptr;
};

namespace {

const std::string* find(const std::map<std::string, std::string>& options, const char* name) {
  const auto found = options.find(name);
  return found == options.end() ? nullptr : &found->second;
}

}  // namespace

Result<std::shared_ptr<Pool>> Pool::connect(const Location& location,
                                            const std::map<std::string, std::string>& options,
                                            std::chrono::seconds timeout) {
  VMLIFT_TRY(const LibRados rados, load_librados());
  VMLIFT_TRY(const LibRbd rbd, load_librbd());
  std::shared_ptr<Pool> pool(new Pool(rbd));
  pool->cluster_ = std::make_shared<Cluster>(rados);
  rados_t& handle = pool->cluster_->handle;

  const std::string* const id = find(options, "id");
  if (const int r = rados.create(&handle, id ? id->c_str() : nullptr); r < 0) {
    return std::unexpected(ceph_error(r, "starting librados"));
  }
  const std::string* const conf = find(options, "conf");
  if (const int r = rados.conf_read_file(handle, conf ? conf->c_str() : nullptr); r < 0) {
    return std::unexpected(ceph_error(
        r, conf ? fmt::format("reading the Ceph configuration {}", *conf)
                : "finding the Ceph cluster (set CEPH_CONF, or put ceph.conf into /etc/ceph)"));
  }
  if (const int r = rados.conf_parse_env(handle, nullptr); r < 0) {
    return std::unexpected(ceph_error(r, "reading CEPH_ARGS"));
  }
  const std::string seconds = std::to_string(timeout.count());
  std::map<std::string, std::string> settings = {
      {"client_mount_timeout", seconds},
      {"rados_mon_op_timeout", seconds},
      {"rados_osd_op_timeout", seconds},
      // Every write is answered by the cluster, its error belongs to it; copies have no use for
      // a cache of their own.
      {"rbd_cache", "false"},
  };
  const std::string* const keyring = find(options, "keyring");
  if (keyring) settings["keyring"] = *keyring;
  for (const auto& [name, value] : settings) {
    if (const int r = rados.conf_set(handle, name.c_str(), value.c_str()); r < 0) {
      return std::unexpected(ceph_error(r, fmt::format("setting {}", name)));
    }
  }
  // The default, kept against any configuration: a write that librbd did not copy is answered only
  // when its messenger has let go of our bytes. To a server that is silent, or after another client
  // has taken the lock, that is never. Not every version has the setting.
  (void)rados.conf_set(handle, "rbd_disable_zero_copy_writes", "true");
  if (const int r = rados.connect(handle); r < 0) {
    return std::unexpected(ceph_error(
        r, fmt::format("connecting to the Ceph cluster{}{}", id ? " as client." + *id : "",
                       keyring ? " with the key in " + *keyring : "")));
  }
  VMLIFT_CHECK(pool->enter(location));
  return pool;
}

Result<std::shared_ptr<Pool>> Pool::sibling(const Location& location) const {
  std::shared_ptr<Pool> pool(new Pool(rbd_));
  pool->cluster_ = cluster_;
  VMLIFT_CHECK(pool->enter(location));
  return pool;
}

Result<void> Pool::enter(const Location& location) {
  const LibRados& rados = cluster_->rados;
  if (const int r = rados.ioctx_create(cluster_->handle, location.pool.c_str(), &io_); r < 0) {
    io_ = nullptr;
    return std::unexpected(ceph_error(r, fmt::format("opening the pool {}", location.pool)));
  }
  if (!location.name_space.empty()) {
    rados.ioctx_set_namespace(io_, location.name_space.c_str());
  }
  // A full pool answers, instead of holding back what is written until somebody makes room.
  rados.set_pool_full_try(io_);
  return {};
}

Pool::~Pool() {
  if (io_ != nullptr) cluster_->rados.ioctx_destroy(io_);
}

std::int64_t Pool::client() const {
  return static_cast<std::int64_t>(cluster_->rados.get_instance_id(cluster_->handle));
}

Result<bool> Pool::exists(const std::string& image) const {
  rbd_image_t handle = nullptr;
  const int r = rbd_.open_read_only(io_, image.c_str(), &handle, nullptr);
  if (r == -ENOENT) return false;
  if (r < 0) return std::unexpected(ceph_error(r, fmt::format("looking for the image {}", image)));
  rbd_.close(handle);
  return true;
}

Result<std::uint64_t> Pool::features_named(const std::string& joined) const {
  std::string names = joined;
  std::ranges::replace(names, '+', ',');
  std::uint64_t features = 0;
  if (rbd_.features_from_string(names.c_str(), &features) < 0) {
    return fail(ErrorCode::InvalidArgument, "there is no such set of RBD features: {}", joined);
  }
  return features;
}

Result<void> Pool::check(const Layout& layout) const {
  if (!layout.features.empty()) VMLIFT_CHECK(features_named(layout.features));
  if (!layout.data_pool.empty()) VMLIFT_CHECK(sibling({.pool = layout.data_pool}));
  return {};
}

Result<void> Pool::create(const std::string& image, std::uint64_t size,
                          const Layout& layout) const {
  const ImageOptions options(rbd_);
  int r = 0;
  if (layout.object_size != 0) {
    const auto order = static_cast<std::uint64_t>(__builtin_ctzll(layout.object_size));
    r = options.set(RBD_IMAGE_OPTION_ORDER, order);
  }
  if (!layout.features.empty() && r == 0) {
    VMLIFT_TRY(const std::uint64_t features, features_named(layout.features));
    r = options.set(RBD_IMAGE_OPTION_FEATURES, features);
  }
  if (!layout.data_pool.empty() && r == 0) {
    r = options.set(RBD_IMAGE_OPTION_DATA_POOL, layout.data_pool);
  }
  if (r == 0) r = rbd_.create4(io_, image.c_str(), size, options.get());
  if (r < 0) return std::unexpected(ceph_error(r, "creating the image"));
  return {};
}

Result<void> Pool::remove(const std::string& image) const {
  if (const int r = rbd_.remove(io_, image.c_str()); r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("removing the image {}", image)));
  }
  return {};
}

/// librbd removes an image by way of its trash, an object that the first removal in a pool
/// creates. In a full pool that fails, so the first removal takes place while there is room.
Result<void> Pool::prepare_removal(const std::string& spare_name) const {
  std::uint64_t size = 0;
  std::time_t changed = 0;
  if (cluster_->rados.stat(io_, "rbd_trash", &size, &changed) != -ENOENT) return {};
  VMLIFT_CHECK(create(spare_name, 0, {}));
  return remove(spare_name);
}

Result<void> Pool::rename(const std::string& from, const std::string& to) const {
  if (const int r = rbd_.rename(io_, from.c_str(), to.c_str()); r < 0) {
    return std::unexpected(ceph_error(r, fmt::format("renaming the image {} to {}", from, to)));
  }
  return {};
}

}  // namespace vmlift::rbd
