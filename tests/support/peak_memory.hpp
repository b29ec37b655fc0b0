// The most memory that the process takes at once from a moment on: the kernel's own peak, set back
// to what is in use then, so that what earlier cases took hides nothing.
#pragma once

#include <fstream>
#include <string>

namespace vmlift::test {

class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";
    before_ = kibibytes("VmRSS:");
  }
  /// In KiB.
  long growth() const { return kibibytes("VmHWM:") - before_; }

 private:
  static long kibibytes(const std::string& wanted) {
    std::ifstream status("/proc/self/status");
    std::string key;
    long value = 0;
    while (status >> key) {
      if (key == wanted) status >> value;
    }
    return value;
  }

  long before_ = 0;
};

}  // namespace vmlift::test
