// Long operations under Ctrl-C. The operation runs in a thread of its own; the calling thread
// waits, and from time to time takes the interpreter's lock to run signal handlers and to hand
// progress to Python. So a callback runs where the call was made, workers never wait for the
// lock, and KeyboardInterrupt stops the operation even while it reports nothing.
#pragma once

#include <pybind11/pybind11.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "raise.hpp"

namespace vmlift::python {

/// Keeps every signal away from threads started in its scope: a handler's EINTR belongs to the
/// interpreter's thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// Runs `work(stop_token, report)`, which returns a Result and may call report(Step) from any
/// thread. `show(Step)` is called under the interpreter's lock; an exception that it raises, or
/// that a signal handler raises, stops the work and passes on when the work has ended.
template <class Step, class Work, class Show>
auto run_cancellable(Work work, Show show) {
  using Outcome = decltype(work(std::stop_token{}, std::function<void(const Step&)>{}));
  static constexpr std::chrono::milliseconds kInterval{50};

  std::mutex guard;
  std::condition_variable ended;
  std::optional<Outcome> outcome;
  std::exception_ptr broken;
  std::optional<Step> latest;
  std::stop_source stop;
  std::exception_ptr interruption;

  const auto look_after_python = [&](const std::optional<Step>& step) {
    const py::gil_scoped_acquire locked;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (step) show(*step);
    } catch (...) {
      interruption = std::current_exception();
      stop.request_stop();
    }
  };

  {
    const py::gil_scoped_release released;
    std::thread worker;
    {
      const SignalsBlocked blocked;
      worker = std::thread([&] {
        std::optional<Outcome> result;
        std::exception_ptr thrown;
        try {
          result.emplace(work(stop.get_token(), [&](const Step& step) {
            const std::lock_guard lock(guard);
            latest = step;
          }));
        } catch (...) {
          thrown = std::current_exception();
        }
        const std::lock_guard lock(guard);
        outcome = std::move(result);
        broken = thrown;
        ended.notify_one();
      });
    }
    std::unique_lock lock(guard);
    while (!outcome && !broken) {
      ended.wait_for(lock, kInterval);
      if (interruption) continue;
      const std::optional<Step> step = std::exchange(latest, std::nullopt);
      lock.unlock();
      look_after_python(step);
      lock.lock();
    }
    lock.unlock();
    worker.join();
  }
  if (interruption) std::rethrow_exception(interruption);
  if (broken) std::rethrow_exception(broken);
  return *std::move(outcome);
}

}  // namespace vmlift::python
