#include "formats/nbd/connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

using Clock = std::chrono::steady_clock;

// NBD's own bound on the smallest block, and what a server takes that states no largest one.
constexpr std::uint64_t kLargestMinimumBlock = 64 << 10;
constexpr std::uint64_t kDefaultMaximumBlock = 32 << 20;
constexpr std::size_t kMostBitmaps = 64;

/// libnbd's answer -1, 0 or 1 to "can it ...": not knowing is no.
bool yes(int answer) { return answer == 1; }

int on_complete(void* request, int* error) {
  auto& done = *static_cast<Request*>(request);
  done.error_number = *error;
  done.done = true;
  if (done.waiter != nullptr && --done.waiter->left == 0) done.waiter->turn.notify_one();
  return 1;  // libnbd forgets the command
}

Error broken_status(std::string_view why) {
  return error(ErrorCode::Protocol, "the server's block status {}", why);
}

/// Takes over the runs of one reply. Lengths are the server's word: each must be something, and
/// only the last may reach beyond what was asked for.
int on_extents(void* user_data, const char* context, std::uint64_t offset, std::uint32_t* entries,
               std::size_t count, int* error_number) {
  auto& request = *static_cast<Request*>(user_data);
  if (context != request.context) return 0;
  const auto refuse = [&](std::string_view why) {
    request.problem = broken_status(why).at(offset);
    *error_number = EPROTO;
    return -1;
  };
  if (offset != request.range.offset) return refuse("is of another place");
  if (!request.runs->empty()) return refuse("came twice");
  std::uint64_t at = offset;
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    if (at >= request.range.end()) return refuse("has runs beyond what was asked for");
    if (entries[i] == 0) return refuse("has a run of no bytes");
    const std::uint64_t length = std::min<std::uint64_t>(entries[i], request.range.end() - at);
    request.runs->push_back({{at, length}, entries[i + 1]});
    at += length;
  }
  if (request.runs->empty()) return refuse("has no runs");
  return 0;
}

std::string_view what_it_does(Request::Kind kind) {
  switch (kind) {
    case Request::Kind::read:
      return "reading from the server";
    case Request::Kind::write:
      return "writing to the server";
    case Request::Kind::zero:
    case Request::Kind::fast_zero:
      return "writing zeros to the server";
    case Request::Kind::trim:
      return "discarding on the server";
    case Request::Kind::flush:
      return "flushing the server";
    case Request::Kind::status:
      return "asking the server for block status";
  }
  return "talking to the server";
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(const LibNbd& lib, const Uri& uri,
                                                     const Settings& settings) {
  std::shared_ptr<Connection> connection(new Connection(lib, uri, settings));
  VMLIFT_CHECK(connection->connect());
  return connection;
}

Connection::Connection(const LibNbd& lib, Uri uri, Settings settings)
    : lib_(lib), uri_(std::move(uri)), settings_(std::move(settings)), last_sign_(Clock::now()) {}

// Closing sends nothing: a server that is silent cannot hold it up.
Connection::~Connection() { lib_.close(handle_); }

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
      lib_.set_opt_mode(handle_, true) == -1 || lib_.set_pread_initialize(handle_, false) == -1 ||
      lib_.aio_connect_uri(handle_, uri_.text.c_str()) == -1) {
    return std::unexpected(server_error("connecting"));
  }
  if (auto begun = drive_handshake(lock); !begun) {
    if (!uri_.tls || begun.error().code() != ErrorCode::Io || !lost_) return begun;
    return fail(ErrorCode::Protocol, "TLS, which {} demands, did not come about: {}",
                uri_.unix_socket ? "nbds+unix://" : "nbds://", begun.error().message());
  }
  if (lib_.aio_is_negotiating(handle_) == 1) VMLIFT_CHECK(negotiate(lock));
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
  if (lib_.aio_opt_go(handle_, {.callback = on_complete, .user_data = &go, .free = nullptr}) ==
      -1) {
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
  if (lib_.aio_opt_list_meta_context(
          handle_, {.callback = Names::add, .user_data = &names, .free = nullptr},
          {.callback = on_complete, .user_data = &listed, .free = nullptr}) != -1) {
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
  if (failure_) return std::unexpected(*failure_);
  return {};
}

bool Connection::lost() const {
  std::lock_guard lock(mutex_);
  return failure_ && lost_;
}

Result<void> Connection::perform(std::span<Request> requests) {
  Lock lock(mutex_);
  // A silence before there was anything to answer is none.
  if (threads_++ == 0) last_sign_ = Clock::now();
  Waiter waiter;
  waiter.left = requests.size();
  for (Request& request : requests) {
    if (failure_) break;
    request.waiter = &waiter;
    submit(request);
  }
  wait(lock, waiter);
  --threads_;

  // The one place where outcomes are looked at.
  for (Request& request : requests) {
    if (request.problem) return std::unexpected(std::move(*request.problem));
    if (request.done && request.error_number != 0 && !failure_) {
      return std::unexpected(
          os_error(request.error_number, what_it_does(request.kind)).at(request.range.offset));
    }
  }
  if (waiter.left > 0 || failure_) {
    return std::unexpected(Error(*failure_)
                               .during(what_it_does(requests.front().kind))
                               .at(requests.front().range.offset));
  }
  return {};
}

/// Waits for the waiter's requests, watching the socket for all where nobody does.
void Connection::wait(Lock& lock, Waiter& waiter) {
  if (watching_ != nullptr) {
    // What was just sent may have to wait for room in the socket, or may have brought the answer
    // that the watching thread waits for.
    if ((lib_.aio_get_direction(handle_) & LIBNBD_AIO_DIRECTION_WRITE) != 0 ||
        watching_->left == 0) {
      (void)::eventfd_write(wake_.get(), 1);
    }
    const auto place = waiting_.insert(waiting_.end(), &waiter);
    waiter.turn.wait(lock, [&] { return failure_ || waiter.left == 0 || watching_ == nullptr; });
    waiting_.erase(place);
  }
  if (failure_ || (waiter.left == 0 && watching_ != nullptr)) return;
  watching_ = &waiter;
  while (!failure_ && waiter.left > 0) step(lock);
  watching_ = nullptr;
  if (!waiting_.empty()) waiting_.front()->turn.notify_one();
}

void Connection::submit(Request& request) {
  const nbd_completion_callback done{
      .callback = on_complete, .user_data = &request, .free = nullptr};
  const auto [offset, length] = request.range;
  const std::uint32_t flags = request.to_disk ? LIBNBD_CMD_FLAG_FUA : 0u;
  std::int64_t cookie = -1;
  switch (request.kind) {
    case Request::Kind::read:
      cookie = lib_.aio_pread(handle_, request.into, length, offset, done, 0);
      break;
    case Request::Kind::write:
      cookie = lib_.aio_pwrite(handle_, request.from, length, offset, done, flags);
      break;
    case Request::Kind::zero:
      cookie = lib_.aio_zero(handle_, length, offset, done, flags);
      break;
    case Request::Kind::fast_zero:
      cookie = lib_.aio_zero(handle_, length, offset, done, flags | LIBNBD_CMD_FLAG_FAST_ZERO);
      break;
    case Request::Kind::trim:
      cookie = lib_.aio_trim(handle_, length, offset, done, flags);
      break;
    case Request::Kind::flush:
      cookie = lib_.aio_flush(handle_, done, 0);
      break;
    case Request::Kind::status:
      cookie = lib_.aio_block_status(
          handle_, length, offset, {.callback = on_extents, .user_data = &request, .free = nullptr},
          done, 0);
      break;
  }
  if (cookie != -1) return;
  if (lib_.aio_is_dead(handle_) == 1 || lib_.aio_is_closed(handle_) == 1) {
    give_up(error(ErrorCode::Io, "the server closed the connection"), true);
    return;
  }
  request.problem = server_error(what_it_does(request.kind)).at(offset);
  request.done = true;
  --request.waiter->left;
}

/// Waits for the socket, with the lock released, and lets libnbd go on.
void Connection::step(Lock& lock) {
  const unsigned direction = lib_.aio_get_direction(handle_);
  pollfd watched[] = {{.fd = lib_.aio_get_fd(handle_), .events = 0, .revents = 0},
                      {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) watched[0].events |= POLLIN;
  if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) watched[0].events |= POLLOUT;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      last_sign_ + settings_.timeout - Clock::now());
  if (left.count() <= 0) {
    give_up(error(ErrorCode::Timeout, "the server said nothing for {} seconds",
                  settings_.timeout.count()),
            false);
    return;
  }
  const int wait =
      static_cast<int>(std::min<std::int64_t>(left.count() + 1, std::numeric_limits<int>::max()));
  lock.unlock();
  const int ready = ::poll(watched, 2, wait);
  const int poll_error = errno;
  lock.lock();
  if (failure_) return;
  if (ready < 0) {
    if (poll_error != EINTR) give_up(os_error(poll_error, "waiting for the server"), false);
    return;
  }
  if (watched[1].revents != 0) {
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
  }
  if (watched[0].revents == 0) return;
  last_sign_ = Clock::now();
  // Another thread's request may have moved the state machine meanwhile.
  const unsigned now = lib_.aio_get_direction(handle_);
  const bool hung_up = (watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  int moved = 0;
  if ((now & LIBNBD_AIO_DIRECTION_READ) != 0 && ((watched[0].revents & POLLIN) != 0 || hung_up)) {
    moved = lib_.aio_notify_read(handle_);
  } else if ((now & LIBNBD_AIO_DIRECTION_WRITE) != 0 &&
             ((watched[0].revents & POLLOUT) != 0 || hung_up)) {
    moved = lib_.aio_notify_write(handle_);
  }
  if (moved == -1) {
    give_up(server_error("the connection failed"), true);
  } else if (lib_.aio_is_dead(handle_) == 1 || lib_.aio_is_closed(handle_) == 1) {
    give_up(error(ErrorCode::Io, "the server closed the connection"), true);
  }
}

/// Nothing goes on here; where `retry` says so, another connection may do better.
void Connection::give_up(Error why, bool retry) {
  if (failure_) return;
  lost_ = retry && why.code() != ErrorCode::Protocol;
  failure_ = std::move(why);
  for (Waiter* waiter : waiting_) waiter->turn.notify_one();
}

Error Connection::server_error(std::string_view activity) const {
  const int number = lib_.get_errno();
  const char* const text = lib_.get_error();
  std::string_view reason = text == nullptr ? "no reason given" : text;
  // libnbd puts its own call's name first.
  if (const auto colon = reason.find(": "); reason.starts_with("nbd_") && colon < reason.size()) {
    reason.remove_prefix(colon + 2);
  }
  ErrorCode code = os_error(number, "").code();
  // Without a number libnbd itself found the server's answer to be nonsense.
  if (number == 0 || number == EPROTO || number == ENOTSUP || number == EINVAL) {
    code = ErrorCode::Protocol;
  }
  if (number == EOVERFLOW) code = ErrorCode::Limit;
  return error(code, "{}: {}", activity, reason).os(number);
}

}  // namespace vmlift::nbd
