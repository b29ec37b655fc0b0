// One request to a server: how it is sent, how its answer is taken. The runs of a status reply are
// the server's word, and checked here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/nbd/libnbd.hpp"
#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"

namespace vmlift::nbd {

/// One run of a block status reply, its meaning given by the context.
struct StatusRun {
  Extent range;
  std::uint32_t flags = 0;
};

/// One thread that waits for its requests.
struct Waiter {
  std::condition_variable turn;  ///< its requests are answered, or it is to watch the socket
  std::size_t left = 0;          ///< requests without an answer
};

struct Request {
  enum class Kind { read, write, zero, fast_zero, trim, flush, status };
  Kind kind = Kind::read;
  Extent range{};
  std::byte* into = nullptr;        ///< read
  const std::byte* from = nullptr;  ///< write
  bool to_disk = false;             ///< force unit access: on stable storage when answered
  std::string_view context{};       ///< status: the context whose runs are wanted
  std::vector<StatusRun>* runs = nullptr;

  /// Hands it to libnbd, which answers it later. False: libnbd does not take it.
  bool send(const LibNbd& lib, nbd_handle* handle);
  /// What libnbd calls with the answer.
  nbd_completion_callback completion();
  /// "reading from the server", for error texts.
  std::string_view activity() const;

  // The outcome.
  Waiter* waiter = nullptr;
  bool done = false;
  int error_number = 0;
  std::optional<Error> problem{};  ///< where more is known than the number
};

}  // namespace vmlift::nbd
