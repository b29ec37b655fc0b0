// The server's map of the disk (base:allocation), asked for a stretch at a time and kept while
// it is walked through and nothing is written.
#pragma once

#include <mutex>
#include <vector>

#include "formats/nbd/server.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::nbd {

class Allocation {
 public:
  explicit Allocation(Server& server);

  /// The run at `offset`. A server that cannot tell, or fails to, makes all of it data.
  Result<DiskExtent> at(std::uint64_t offset, std::uint64_t length);
  /// Whether the whole disk reads as zeros, as far as the server knows.
  Result<bool> all_zero();
  /// The disk was written.
  void forget();

 private:
  Server& server_;
  std::mutex mutex_;
  bool known_;
  std::vector<StatusRun> runs_;  // ascending, without gaps
};

}  // namespace vmlift::nbd
