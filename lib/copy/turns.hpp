// Results of parallel work taken in order: whoever holds the next one takes it and those that
// wait behind it, while the other workers go on. A bounded number waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "vmlift/error.hpp"

namespace vmlift {

template <class Item>
class Turns {
 public:
  using Take = std::function<Result<void>(Item&)>;

  Turns(std::uint64_t window, Take take) : window_(window), take_(std::move(take)) {}

  /// Waits until `index` is near enough to its turn to be worked on: this bounds the memory.
  /// The lowest index never waits, so there is always progress.
  void wait_for_room(std::uint64_t index) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return ended_ || index < next_ + window_; });
  }

  /// Hands in the result of `index`.
  Result<void> hand_in(std::uint64_t index, Item item) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(index, std::move(item));
    if (taking_) return {};
    taking_ = true;
    while (!ended_ && !waiting_.empty() && waiting_.begin()->first == next_) {
      auto front = waiting_.extract(waiting_.begin());
      lock.unlock();
      auto taken = take_(front.mapped());
      front = {};
      lock.lock();
      if (!taken) {
        taking_ = false;
        return taken;
      }
      ++next_;
      room_.notify_all();
    }
    taking_ = false;
    return {};
  }

  /// Nobody waits any longer: the operation has failed.
  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    room_.notify_all();
  }

 private:
  const std::uint64_t window_;
  const Take take_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::map<std::uint64_t, Item> waiting_;
  std::uint64_t next_ = 0;
  bool taking_ = false;
  bool ended_ = false;
};

}  // namespace vmlift
