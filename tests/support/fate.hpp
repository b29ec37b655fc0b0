// What every input is held to, however hostile: it ends at once, takes little memory, leaves
// nothing behind, and opens nothing but what the caller allowed.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "support/peak_memory.hpp"
#include "support/watched.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::test {

/// Checks, when it ends, what was done since it began. Files below `folder` and `results` may be
/// opened, and no others (see watched.hpp).
class Bounds {
 public:
  explicit Bounds(const std::string& folder, const std::string& results = "")
      : watched_(std::in_place, folder, results) {}
  /// Of time and memory alone.
  Bounds() = default;
  ~Bounds();
  Bounds(const Bounds&) = delete;
  Bounds& operator=(const Bounds&) = delete;

 private:
  std::optional<Watched> watched_;
  PeakMemory memory_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Asks a disk what it is and converts it, as a user would, within Bounds: the first error's name,
/// or "ok". What the disk's folder holds may be opened; anything with References::any.
std::string fate(const std::string& path, const OpenOptions& options);

}  // namespace vmlift::test
