// A server that runs beside a test and ends with it, also when the test fails or crashes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace vmlift::test {

class Process {
 public:
  /// Starts a program; what it prints goes to `log` ("": nowhere).
  explicit Process(const std::vector<std::string>& arguments, const std::string& log = "");
  ~Process() { stop(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool running();
  /// Waits until `ready` holds. False when the process ended or time ran out first.
  bool wait_until(const std::function<bool()>& ready,
                  std::chrono::seconds patience = std::chrono::seconds(20));
  /// Asks it to end, and ends it when it does not.
  void stop();
  void kill();

 private:
  bool reap(bool wait);

  pid_t pid_ = -1;
};

/// A TCP port of 127.0.0.1 that nobody uses at the moment.
int free_port();

/// Whether something listens on the Unix socket at `path`.
bool listens(const std::string& path);

}  // namespace vmlift::test
