// Marks in a trace of system calls: between them the library is at work on one image. Who traces
// the program (tests/interop/test_opened_files.py) sees what it opened meanwhile.
#pragma once

#include <unistd.h>

#include <string>

namespace vmlift::test {

class Watched {
 public:
  /// Files below `folder` and `results` ("": none) may be opened, and no others.
  explicit Watched(const std::string& folder, const std::string& results = "") {
    mark("begin" + folder + ":" + results);
  }
  ~Watched() { mark("end"); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  static void mark(const std::string& what) {
    // Asks for a file that does not exist: seen in a trace, without effect elsewhere.
    (void)!::access(("/vmlift-watched/" + what).c_str(), F_OK);
  }
};

}  // namespace vmlift::test
