// Enabled bitmaps while their image is written in place: marked in use before the first change,
// brought up to date at the end. Where the end is not reached the mark stays, and says that they
// cannot be trusted.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "formats/qcow2/bitmaps.hpp"
#include "formats/qcow2/refcount_store.hpp"
#include "vmlift/extent.hpp"

namespace vmlift::qcow2 {

class BitmapRecorder {
 public:
  BitmapRecorder(std::shared_ptr<File> file, const Header& header,
                 const std::vector<Bitmap>& bitmaps);

  /// Called before the guest's bytes change.
  Result<void> record(Extent extent);
  /// Saves what was recorded and takes the mark away. The image's own changes are durable.
  Result<void> save(RefcountStore& refcounts);

 private:
  Result<void> mark(bool in_use);
  Result<void> save(const Bitmap& bitmap, RefcountStore& refcounts);

  std::shared_ptr<File> file_;
  const Header& header_;
  std::vector<Bitmap> enabled_;
  ExtentSet changed_;
};

}  // namespace vmlift::qcow2
