#include "copy/crew.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <thread>
#include <vector>

#include "base/fail.hpp"

namespace vmlift {
namespace {

constexpr auto kReportInterval = std::chrono::milliseconds(100);

unsigned worker_count(unsigned wanted, std::uint32_t requests) {
  if (wanted != 0) return wanted;
  return std::clamp(std::max(std::thread::hardware_concurrency(), requests), 1u, 64u);
}

/// Memory that runs out in a worker must reach the caller as an error: an exception that leaves
/// a thread ends the process.
Result<void> contained(const std::function<Result<void>()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::NoMemory, "memory ran out while copying");
  } catch (const std::exception& exception) {
    return fail(ErrorCode::Internal, "a worker failed: {}", exception.what());
  }
}

}  // namespace

Crew::Crew(const CopyOptions& options, std::uint64_t total, std::uint32_t requests)
    : options_(options), total_(total), threads_(worker_count(options.threads, requests)) {}

void Crew::stop(std::optional<Error> why) {
  {
    std::lock_guard lock(mutex_);
    if (why && !first_error_) first_error_ = std::move(why);
    stopping_ = true;
  }
  if (on_stop) on_stop();
}

void Crew::report() {
  if (options_.progress) options_.progress({std::min(done_.load(), total_), total_});
}

Result<void> Crew::run(const std::function<Result<void>()>& work) {
  running_ = threads_;
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads_; ++i) {
    workers.emplace_back([&] {
      if (auto result = contained(work); !result) stop(std::move(result).error());
      std::lock_guard lock(mutex_);
      --running_;
      ended_.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, kReportInterval, [&] { return running_ == 0; })) {
      lock.unlock();
      if (options_.stop.stop_requested()) {
        stop(error(ErrorCode::Cancelled, "cancelled by the caller"));
      }
      report();
      lock.lock();
    }
  }
  workers.clear();
  if (first_error_) return std::unexpected(std::move(*first_error_));
  if (options_.stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled by the caller");
  report();
  return {};
}

}  // namespace vmlift
