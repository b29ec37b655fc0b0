// Bytes that come through a pipe, from a thread that writes them as a producer would.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "io/descriptor.hpp"

namespace vmlift::test {

class Piped {
 public:
  explicit Piped(std::string bytes, std::size_t slice = 7000) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    reading_ = Descriptor(ends[0]);
    writer_ = std::jthread([bytes = std::move(bytes), slice, writing = Descriptor(ends[1])] {
      write_all(writing.get(), bytes, slice);
    });
  }
  ~Piped() { reading_ = Descriptor(); }

  /// Where it can be opened, once.
  std::string location() const { return "/proc/self/fd/" + std::to_string(reading_.get()); }
  /// Only who opened location() keeps the pipe open now.
  void let_go() { reading_ = Descriptor(); }

  /// Writes in slices; a reader that has gone away ends it.
  static void write_all(int descriptor, std::string_view bytes, std::size_t slice) {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    while (!bytes.empty()) {
      const ssize_t put = ::write(descriptor, bytes.data(), std::min(slice, bytes.size()));
      if (put < 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }

 private:
  Descriptor reading_;
  std::jthread writer_;  // joined before reading_ goes: the destructor closes that first
};

}  // namespace vmlift::test
