// A disk as Python holds it: it can be closed while another thread still reads.
#pragma once

#include <memory>
#include <vmlift/disk.hpp>

namespace vmlift::python {

class DiskHandle {
 public:
  explicit DiskHandle(std::unique_ptr<Disk> disk) : disk_(std::move(disk)) {}

  /// Kept alive for as long as the caller holds it. Raises InvalidArgument after close().
  std::shared_ptr<Disk> get() const;
  bool closed() const { return disk_ == nullptr; }
  void close();

 private:
  std::shared_ptr<Disk> disk_;
};

}  // namespace vmlift::python
