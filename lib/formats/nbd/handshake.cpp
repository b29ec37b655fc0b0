// From the first byte to an export whose every claim is checked.
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>

#include "base/fail.hpp"
#include "formats/nbd/connection.hpp"

namespace vmlift::nbd {
namespace {

// NBD's own bound on the smallest block, and what a server takes that states no largest one.
constexpr std::uint64_t kLargestMinimumBlock = 64 << 10;
constexpr std::uint64_t kDefaultMaximumBlock = 32 << 20;
constexpr std::size_t kMostBitmaps = 64;
// A server with 64 bitmaps takes less than a thousand.
constexpr unsigned kMostSteps = 1 << 14;

/// libnbd's answer -1, 0 or 1 to "can it ...": not knowing is no.
bool yes(int answer) { return answer == 1; }

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(const LibNbd& lib, const Uri& uri,
                                                     const Settings& settings) {
  std::shared_ptr<Connection> connection(new Connection(lib, uri, settings));
  VMLIFT_CHECK(connection->connect());
  return connection;
}

Result<void> Connection::connect() {
  wake_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_) return std::unexpected(os_error(errno, "making an eventfd"));
  Lock lock(mutex_);
  handle_ = lib_.create();
  if (handle_ == nullptr) return std::unexpected(server_error("opening NBD"));
  if (lib_.supports_uri(handle_) != 1 || (uri_.tls && lib_.supports_tls(handle_) != 1)) {
    return fail(ErrorCode::UnsupportedFeature, "this machine's libnbd was built without {}",
                uri_.tls ? "TLS or URIs" : "URIs");
  }
  const std::uint32_t transport =
      uri_.unix_socket ? LIBNBD_ALLOW_TRANSPORT_UNIX : LIBNBD_ALLOW_TRANSPORT_TCP;
  const int tls = uri_.tls ? LIBNBD_TLS_REQUIRE : LIBNBD_TLS_DISABLE;
  if (lib_.set_uri_allow_transports(handle_, transport) == -1 ||
      lib_.set_uri_allow_tls(handle_, tls) == -1 ||
      // The keys that the caller's URI names.
      lib_.set_uri_allow_local_file(handle_, uri_.tls) == -1 || !use_keys() ||
      lib_.set_debug_callback(
          handle_, {.callback = Steps::on_message, .user_data = &steps_, .free = nullptr}) == -1 ||
      lib_.set_debug(handle_, true) == -1 || lib_.set_opt_mode(handle_, true) == -1 ||
      lib_.set_pread_initialize(handle_, false) == -1 ||
      lib_.aio_connect_uri(handle_, uri_.text.c_str()) == -1) {
    return std::unexpected(server_error("connecting"));
  }
  if (auto begun = drive_handshake(lock); !begun) {
    if (!uri_.tls || begun.error().code() != ErrorCode::Io || !lost_) return begun;
    return fail(ErrorCode::Protocol, "TLS, which {} demands, did not come about: {}",
                uri_.unix_socket ? "nbds+unix://" : "nbds://", begun.error().message());
  }
  if (lib_.aio_is_negotiating(handle_) == 1) VMLIFT_CHECK(negotiate(lock));
  if (lib_.set_debug(handle_, false) == -1) return std::unexpected(server_error("connecting"));
  return inspect();
}

/// What the caller gave beside the URI; what the URI says itself comes after it, and counts.
bool Connection::use_keys() {
  if (!uri_.tls) return true;
  const auto set = [this](auto call, const std::string& value) {
    return value.empty() || call(handle_, value.c_str()) != -1;
  };
  return set(lib_.set_tls_certificates, settings_.tls_certificates) &&
         set(lib_.set_tls_psk_file, settings_.tls_psk_file) &&
         set(lib_.set_tls_username, settings_.tls_username) &&
         lib_.set_tls_verify_peer(handle_, settings_.tls_verify_peer) != -1;
}

Result<void> Connection::negotiate(Lock& lock) {
  VMLIFT_CHECK(list_contexts(lock));
  Request go;
  if (lib_.aio_opt_go(handle_, go.completion()) == -1) {
    return std::unexpected(server_error("asking for the export"));
  }
  VMLIFT_CHECK(drive_handshake(lock));
  if (!go.done || go.error_number == 0) return {};
  if (go.error_number == ENOTSUP && !uri_.tls) {
    return fail(ErrorCode::Protocol,
                "the server refused the export; one that demands TLS is reached by {}",
                uri_.unix_socket ? "nbds+unix://" : "nbds://");
  }
  return std::unexpected(os_error(go.error_number, "the server refused the export"));
}

/// What QEMU tells beyond base:allocation: dirty bitmaps and the depth of allocation.
Result<void> Connection::list_contexts(Lock& lock) {
  struct Names {
    std::vector<std::string> found;
    static int add(void* self, const char* name) {
      auto& found = static_cast<Names*>(self)->found;
      const std::string_view text = name;
      if (found.size() < kMostBitmaps &&
          (text.starts_with("qemu:dirty-bitmap:") || text == "qemu:allocation-depth")) {
        found.emplace_back(text);
      }
      return 0;
    }
  } names;
  Request listed;
  if (lib_.add_meta_context(handle_, "qemu:") == -1) {
    return std::unexpected(server_error("asking for block status"));
  }
  // A server without block status refuses; it still has the export.
  if (lib_.aio_opt_list_meta_context(handle_,
                                     {.callback = Names::add, .user_data = &names, .free = nullptr},
                                     listed.completion()) != -1) {
    VMLIFT_CHECK(drive_handshake(lock));
  }
  lib_.clear_meta_contexts(handle_);
  names.found.insert(names.found.begin(), "base:allocation");
  for (const std::string& name : names.found) {
    if (lib_.add_meta_context(handle_, name.c_str()) == -1) {
      return std::unexpected(server_error("asking for block status"));
    }
  }
  export_.contexts = std::move(names.found);
  return {};
}

bool Connection::Steps::too_many() const { return taken > kMostSteps; }

/// libnbd's debug messages, one or more for each step, are where it can be ended.
int Connection::Steps::on_message(void* self, const char*, const char*) {
  auto& steps = *static_cast<Steps*>(self);
  ++steps.taken;
  if (steps.too_many()) ::shutdown(steps.socket, SHUT_RDWR);
  return 0;
}

/// What the server promised, checked: every number is its word only.
Result<void> Connection::inspect() {
  if (lib_.aio_is_ready(handle_) != 1) {
    return std::unexpected(server_error("the server ended the negotiation"));
  }
  const std::int64_t size = lib_.get_size(handle_);
  if (size < 0) {
    return fail(ErrorCode::Limit, "the server claims a disk of 2^63 bytes or more");
  }
  export_.size = static_cast<std::uint64_t>(size);
  export_.read_only = yes(lib_.is_read_only(handle_));
  export_.flush = yes(lib_.can_flush(handle_));
  export_.fua = yes(lib_.can_fua(handle_));
  export_.trim = yes(lib_.can_trim(handle_));
  export_.zero = yes(lib_.can_zero(handle_));
  export_.fast_zero = yes(lib_.can_fast_zero(handle_));
  export_.multi_connection = yes(lib_.can_multi_conn(handle_));
  export_.tls = yes(lib_.get_tls_negotiated(handle_));
  if (uri_.tls && !export_.tls) {
    return fail(ErrorCode::Protocol, "the server did not agree to TLS");
  }
  if (const char* const protocol = lib_.get_protocol(handle_)) export_.protocol = protocol;
  std::erase_if(export_.contexts, [&](const std::string& name) {
    return !yes(lib_.can_meta_context(handle_, name.c_str()));
  });

  const std::int64_t minimum = lib_.get_block_size(handle_, LIBNBD_SIZE_MINIMUM);
  const std::int64_t maximum = lib_.get_block_size(handle_, LIBNBD_SIZE_MAXIMUM);
  export_.block_minimum = minimum > 0 ? static_cast<std::uint64_t>(minimum) : 1;
  export_.block_maximum = maximum > 0 ? static_cast<std::uint64_t>(maximum) : kDefaultMaximumBlock;
  if (!std::has_single_bit(export_.block_minimum) || export_.block_minimum > kLargestMinimumBlock ||
      export_.block_maximum < export_.block_minimum) {
    return fail(ErrorCode::Protocol, "the server claims blocks of {} to {} bytes",
                export_.block_minimum, export_.block_maximum);
  }
  if (export_.size % export_.block_minimum != 0) {
    return fail(ErrorCode::Protocol,
                "the server's disk of {} bytes is no multiple of its blocks of {}", export_.size,
                export_.block_minimum);
  }
  return {};
}

Result<void> Connection::drive_handshake(Lock& lock) {
  while (!failure_ && lib_.aio_is_connecting(handle_) == 1) step(lock);
  if (steps_.too_many()) {
    return fail(ErrorCode::Protocol, "the server's answers in the handshake do not end");
  }
  steps_.socket = lib_.aio_get_fd(handle_);
  if (failure_) return std::unexpected(*failure_);
  return {};
}

}  // namespace vmlift::nbd
