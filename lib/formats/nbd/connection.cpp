#include "formats/nbd/connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <ranges>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

using Clock = std::chrono::steady_clock;

/// How many requests of a thread's are under way. From a server that is near, one: what arrives is
/// written while it is still in the processor's cache (a sixth faster than eight, measured). A long
/// wait for an answer doubles them, many short ones in a row halve them.
class Depth {
 public:
  explicit Depth(std::size_t most) : most_(most) {}

  std::size_t now() const { return now_; }
  void waited(Clock::duration time) {
    constexpr auto kLong = std::chrono::milliseconds(4);
    constexpr int kMany = 32;
    if (time >= kLong) {
      now_ = std::min(now_ * 2, most_);
      short_ = 0;
    } else if (++short_ == kMany) {
      now_ = std::max<std::size_t>(now_ / 2, 1);
      short_ = 0;
    }
  }

 private:
  const std::size_t most_;
  std::size_t now_ = 1;
  int short_ = 0;
};

/// How many bytes wait in the socket.
std::uint64_t unread(int socket) {
  int bytes = 0;
  return ::ioctl(socket, FIONREAD, &bytes) == 0 ? static_cast<std::uint64_t>(std::max(bytes, 0))
                                                : 0;
}

}  // namespace

Connection::Connection(const LibNbd& lib, Uri uri, Settings settings)
    : lib_(lib), uri_(std::move(uri)), settings_(std::move(settings)) {}

// Closing sends nothing: a server that is silent cannot hold it up.
Connection::~Connection() { lib_.close(handle_); }

bool Connection::lost() const {
  std::lock_guard lock(mutex_);
  return failure_ && lost_;
}

Result<void> Connection::perform(std::span<Request> requests) {
  Lock lock(mutex_);
  Waiter waiter(requests.size(), silence_);
  for (Request& request : requests) submit(request, waiter);
  wait(lock, waiter);
  for (Request& request : requests) VMLIFT_CHECK(outcome(request));
  return {};
}

Result<void> Connection::perform(std::span<Request> requests, const Fill& fill,
                                 const Visit& visit) {
  Lock lock(mutex_);
  Waiter waiter(requests.size(), silence_);
  // Nothing may come into the buffers after the return, be it by an exception of the caller's.
  struct Drain {
    Connection& connection;
    Lock& lock;
    Waiter& waiter;
    ~Drain() {
      if (!lock.owns_lock()) lock.lock();
      waiter.enough = 0;
      connection.wait(lock, waiter);
    }
  } const drain{*this, lock, waiter};

  std::vector<Request*> free;
  for (Request& request : requests | std::views::reverse) free.push_back(&request);
  Depth depth(requests.size());
  bool more = true;
  while (true) {
    while (more && requests.size() - free.size() < depth.now()) {
      Request& request = *free.back();
      lock.unlock();
      VMLIFT_TRY(more, fill(request));
      lock.lock();
      if (!more) break;
      free.pop_back();
      submit(request, waiter);
      if (failure_) return std::unexpected(failed(request));
    }
    if (free.size() == requests.size()) return {};
    const auto start = Clock::now();
    if (waiter.answered.empty()) {
      waiter.enough = waiter.under_way - 1;
      wait(lock, waiter);
    }
    depth.waited(Clock::now() - start);
    if (waiter.answered.empty()) {  // nor will there be any
      return std::unexpected(failed(*std::ranges::find(requests, false, &Request::done)));
    }
    Request& answered = *waiter.answered.front();
    waiter.answered.erase(waiter.answered.begin());
    VMLIFT_CHECK(outcome(answered));
    lock.unlock();
    VMLIFT_CHECK(visit(answered));
    lock.lock();
    free.push_back(&answered);
  }
}

/// The one place where outcomes are looked at.
Result<void> Connection::outcome(Request& request) const {
  if (request.problem) return std::unexpected(std::move(*request.problem));
  if (request.done && request.error_number == 0) return {};
  // What was under way when the connection failed has an error of its own that says less.
  if (failure_) return std::unexpected(failed(request));
  return std::unexpected(
      os_error(request.error_number, request.activity()).at(request.range.offset));
}

Error Connection::failed(const Request& request) const {
  return Error(*failure_).during(request.activity()).at(request.range.offset);
}

/// Waits until the waiter is satisfied, watching the socket for all where nobody does.
void Connection::wait(Lock& lock, Waiter& waiter) {
  if (watching_ != nullptr) {
    // What was just sent may have to wait for room in the socket, or may have brought the answer
    // that the watching thread waits for.
    if ((lib_.aio_get_direction(handle_) & LIBNBD_AIO_DIRECTION_WRITE) != 0 ||
        watching_->satisfied()) {
      (void)::eventfd_write(wake_.get(), 1);
    }
    const auto place = waiting_.insert(waiting_.end(), &waiter);
    waiter.turn.wait(lock, [&] { return failure_ || waiter.satisfied() || watching_ == nullptr; });
    waiting_.erase(place);
  }
  if (failure_ || (waiter.satisfied() && watching_ != nullptr)) return;
  watching_ = &waiter;
  // A silence while nobody listened is none.
  silence_.begin();
  while (!failure_ && !waiter.satisfied()) step(lock);
  watching_ = nullptr;
  if (!waiting_.empty()) waiting_.front()->turn.notify_one();
}

void Connection::submit(Request& request, Waiter& waiter) {
  request.done = false;
  request.error_number = 0;
  request.problem.reset();
  request.waiter = &waiter;
  if (failure_) return;
  waiter.expect(request);
  const bool taken = request.send(lib_, handle_);
  // Sending may be what finds out; libnbd has then answered all requests with an error.
  if (closed()) {
    give_up(error(ErrorCode::Io, "the server closed the connection"), true);
    return;
  }
  if (taken) return;
  request.problem = server_error(request.activity()).at(request.range.offset);
  waiter.take(request);
}

/// Waits for the socket, with the lock released, and lets libnbd go on.
void Connection::step(Lock& lock) {
  const unsigned direction = lib_.aio_get_direction(handle_);
  pollfd watched[] = {{.fd = lib_.aio_get_fd(handle_), .events = 0, .revents = 0},
                      {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) watched[0].events |= POLLIN;
  if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) watched[0].events |= POLLOUT;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      silence_.since() + settings_.timeout - Clock::now());
  if (left.count() <= 0) {
    give_up(error(ErrorCode::Timeout, "the server answered nothing for {} seconds",
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
  // Another thread's request may have moved the state machine meanwhile.
  const unsigned now = lib_.aio_get_direction(handle_);
  const bool hung_up = (watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  int moved = 0;
  if ((now & LIBNBD_AIO_DIRECTION_READ) != 0 && ((watched[0].revents & POLLIN) != 0 || hung_up)) {
    const std::uint64_t before = unread(watched[0].fd);
    moved = lib_.aio_notify_read(handle_);
    silence_.heard(before - std::min(before, unread(watched[0].fd)));
  } else if ((now & LIBNBD_AIO_DIRECTION_WRITE) != 0 &&
             ((watched[0].revents & POLLOUT) != 0 || hung_up)) {
    moved = lib_.aio_notify_write(handle_);
    silence_.sent();
  }
  if (moved == -1) {
    give_up(server_error("the connection failed"), true);
  } else if (closed()) {
    give_up(error(ErrorCode::Io, "the server closed the connection"), true);
  }
}

bool Connection::closed() const {
  return lib_.aio_is_dead(handle_) == 1 || lib_.aio_is_closed(handle_) == 1;
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
  // Its end in the middle of an answer is a connection lost like any other.
  if (number == 0 && reason.ends_with("disconnected unexpectedly")) code = ErrorCode::Io;
  if (number == 0 && reason.starts_with("getaddrinfo")) code = ErrorCode::NotFound;
  // GnuTLS's own, after 40 seconds in which libnbd does not come back.
  if (number == 0 && reason.find("The operation timed out") != reason.npos) {
    code = ErrorCode::Timeout;
  }
  if (number == EOVERFLOW) code = ErrorCode::Limit;
  return error(code, "{}: {}", activity, reason).os(number);
}

}  // namespace vmlift::nbd
