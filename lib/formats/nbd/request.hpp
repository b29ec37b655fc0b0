// One request to a server: how it is sent, how its answer is taken. The runs of a status reply are
// the server's word, and checked here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/nbd/libnbd.hpp"
#include "formats/nbd/silence.hpp"
#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"

namespace vmlift::nbd {

/// One run of a block status reply, its meaning given by the context.
struct StatusRun {
  Extent range;
  std::uint32_t flags = 0;
};

struct Request;

/// One thread that waits for its requests.
struct Waiter {
  Waiter(std::size_t most, Silence& of_server) : silence(of_server) { answered.reserve(most); }

  std::condition_variable turn;      ///< enough is answered, or it is to watch the socket
  std::size_t under_way = 0;         ///< requests without an answer
  std::size_t enough = 0;            ///< it goes on when no more than so many are under way
  std::vector<Request*> answered{};  ///< and not yet taken
  Silence& silence;

  bool satisfied() const { return under_way <= enough; }
  void expect(const Request& request);
  void take(Request& request);
};

struct Request {
  enum class Kind { read, write, zero, fast_zero, trim, flush, status };
  Kind kind = Kind::read;
  Extent range{};
  Extent wanted{};                  ///< read ahead: what of the range was asked for
  std::byte* into = nullptr;        ///< read
  const std::byte* from = nullptr;  ///< write
  bool to_disk = false;             ///< force unit access: on stable storage when answered
  std::string_view context{};       ///< status: the context whose runs are wanted
  std::vector<StatusRun>* runs = nullptr;

  /// Hands it to libnbd, which answers it later. False: libnbd does not take it.
  bool send(const LibNbd& lib, nbd_handle* handle);
  /// What libnbd calls with the answer.
  nbd_completion_callback completion();
  /// How many bytes its answer has at most, with room for headers between its parts.
  std::uint64_t due() const;
  /// Whether a server that goes down after its answer may have lost it. A discard that is lost
  /// leaves bytes that may be anything, as they might have been anyway.
  bool may_be_lost() const;
  /// "reading from the server", for error texts.
  std::string_view activity() const;

  // The outcome.
  Waiter* waiter = nullptr;
  bool done = false;
  int error_number = 0;
  std::optional<Error> problem{};  ///< where more is known than the number
};

}  // namespace vmlift::nbd
