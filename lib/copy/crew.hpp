// The threads of one operation: they share the first error, the wish to stop and the progress;
// the caller's thread waits for them and reports.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>

#include "vmlift/copy.hpp"

namespace vmlift {

class Crew {
 public:
  /// `requests`: a remote disk wants more of them under way than there are processors; see
  /// DiskCapabilities.
  Crew(const CopyOptions& options, std::uint64_t total, std::uint32_t requests);

  unsigned threads() const { return threads_; }
  /// True once the caller cancelled or a worker failed: take no new work.
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  void advance(std::uint64_t guest_bytes) { done_.fetch_add(guest_bytes); }

  /// Runs `work` on every thread and waits. Errors: the first that a worker returned; Cancelled.
  Result<void> run(const std::function<Result<void>()>& work);

  /// Called when the crew begins to stop, so that a wait for a turn can end.
  std::function<void()> on_stop;

 private:
  void stop(std::optional<Error> why);
  void report();

  const CopyOptions& options_;
  const std::uint64_t total_;
  const unsigned threads_;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  unsigned running_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace vmlift
