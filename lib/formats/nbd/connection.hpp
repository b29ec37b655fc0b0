// One connection to an NBD server. Several threads may have requests under way on it: whoever
// waits first watches the socket for all of them. Every wait ends when the server is silent for
// too long, and every request's error is looked at in one place.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/nbd/libnbd.hpp"
#include "formats/nbd/request.hpp"
#include "formats/nbd/settings.hpp"
#include "formats/nbd/silence.hpp"
#include "formats/nbd/uri.hpp"
#include "io/descriptor.hpp"

namespace vmlift::nbd {

/// What the server said about the export.
struct Export {
  std::uint64_t size = 0;
  std::uint64_t block_minimum = 1;
  std::uint64_t block_maximum = 0;
  bool read_only = false;
  bool flush = false;
  bool fua = false;
  bool trim = false;
  bool zero = false;
  bool fast_zero = false;
  bool multi_connection = false;
  bool tls = false;
  std::string protocol;
  std::vector<std::string> contexts;  ///< those the server agreed to
};

class Connection {
 public:
  /// Connects and takes the export. Errors: NotFound for the socket or the export; Protocol,
  /// also where TLS is demanded by one side and not offered by the other; Timeout; Io.
  static Result<std::shared_ptr<Connection>> open(const LibNbd& lib, const Uri& uri,
                                                  const Settings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Export& about() const { return export_; }

  /// Sends all of the requests and waits for all of them. The first error is the result; none of
  /// the buffers is touched after the return.
  Result<void> perform(std::span<Request> requests);

  /// Makes a request of one that is free: its range, no more. False: that was all.
  using Fill = std::function<Result<bool>(Request& request)>;
  /// Takes the answer of one; then it is free again.
  using Visit = std::function<Result<void>(Request& request)>;
  /// Keeps requests under way, reads with a buffer each, as long as `fill` has more for them: as
  /// many as hide the way to the server, where there are so many. Ends at the first error, be it of
  /// a request, of `fill` or of `visit`; none of the buffers is touched after the return. Both may
  /// use this connection.
  Result<void> perform(std::span<Request> requests, const Fill& fill, const Visit& visit);

  /// Whether the connection was lost: nothing but opening another helps.
  bool lost() const;

 private:
  Connection(const LibNbd& lib, Uri uri, Settings settings);

  /// The steps of the handshake. libnbd goes on in one call for as long as there is something to
  /// read, and keeps what it reads: a list without end has to be ended from inside that call.
  struct Steps {
    int socket = -1;
    unsigned taken = 0;
    bool too_many() const;
    static int on_message(void* self, const char* context, const char* message);
  };

  using Lock = std::unique_lock<std::mutex>;

  // handshake.cpp
  Result<void> connect();
  bool use_keys();
  Result<void> negotiate(Lock& lock);
  Result<void> list_contexts(Lock& lock);
  Result<void> inspect();
  Result<void> drive_handshake(Lock& lock);

  // connection.cpp
  void submit(Request& request, Waiter& waiter);
  Result<void> outcome(Request& request) const;
  Error failed(const Request& request) const;
  void wait(Lock& lock, Waiter& waiter);
  void step(Lock& lock);
  bool closed() const;
  void give_up(Error why, bool retry);
  Error server_error(std::string_view activity) const;

  const LibNbd lib_;
  const Uri uri_;
  const Settings settings_;
  Export export_;
  Descriptor wake_;  // an eventfd: a new request may want to write where only reading is watched

  mutable std::mutex mutex_;  // guards the handle too: no call of libnbd's waits for the server
  nbd_handle* handle_ = nullptr;
  Waiter* watching_ = nullptr;  // whoever has the socket in its eye, for all
  std::list<Waiter*> waiting_;  // the others
  Silence silence_;
  Steps steps_;
  std::optional<Error> failure_;  // the handle is not driven any more
  bool lost_ = false;
};

}  // namespace vmlift::nbd
