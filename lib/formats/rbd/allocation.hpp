// Which objects of an image exist: asked for a stretch at a time, kept while it is walked
// through.
#pragma once

#include <mutex>

#include "formats/rbd/image.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::rbd {

class Allocation {
 public:
  /// The run at `offset`: data, or zeros where neither the image nor a parent of it has any.
  Result<DiskExtent> at(const Image& image, std::uint64_t offset, std::uint64_t length);
  /// The image is written.
  void forget();

 private:
  std::mutex mutex_;
  Extent known_{};
  ExtentSet data_;
};

}  // namespace vmlift::rbd
