// How long a server has been silent: how long nothing came that was asked for. Bytes alone are no
// sign of life, or a server that sends and never ends an answer would be waited for without end.
#pragma once

#include <chrono>
#include <cstdint>

namespace vmlift::nbd {

class Silence {
 public:
  using Clock = std::chrono::steady_clock;

  Clock::time_point since() const { return since_; }
  void begin() { since_ = Clock::now(); }

  /// A request is under way; its answer has so many bytes at most.
  void asked(std::uint64_t bytes) { due_ += bytes; }
  void answered(std::uint64_t bytes) {
    due_ -= bytes;
    heard_ = counted_ = 0;
    begin();
  }
  /// Bytes of answers that have not ended: a large one may take its time. They count while they can
  /// be a part of what is under way, and where they are more than a trickle.
  void heard(std::uint64_t bytes) {
    heard_ += bytes;
    if (heard_ > due_ || heard_ - counted_ < kTrickle) return;
    counted_ = heard_;
    begin();
  }
  /// The server takes what is sent. In the handshake, where nothing is under way, that is nothing:
  /// it has one timeout as a whole.
  void sent() {
    if (due_ > 0) begin();
  }

 private:
  static constexpr std::uint64_t kTrickle = 4 << 10;

  Clock::time_point since_ = Clock::now();
  std::uint64_t due_ = 0;      // by the answers under way
  std::uint64_t heard_ = 0;    // since the last one ended
  std::uint64_t counted_ = 0;  // of it
};

}  // namespace vmlift::nbd
