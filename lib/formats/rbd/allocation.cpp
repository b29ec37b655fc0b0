#include "formats/rbd/allocation.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift::rbd {
namespace {

// Without a map of objects every object of a stretch is asked for.
constexpr std::uint64_t kStretch = std::uint64_t{1} << 30;

}  // namespace

Result<DiskExtent> Allocation::at(const Image& image, std::uint64_t offset, std::uint64_t length) {
  std::lock_guard lock(mutex_);
  if (offset < known_.offset || offset >= known_.end()) {
    // The map of objects is read whole each time: then one time is enough.
    const bool whole = image.fast_diff();
    const std::uint64_t start = whole ? 0 : round_down(offset, kStretch);
    const Extent window{start, whole ? image.size() : std::min(kStretch, image.size() - start)};
    known_ = {};
    data_.clear();
    VMLIFT_CHECK(image.differences(nullptr, window, whole, [&](Extent run, bool exists) {
      if (exists) data_.add(run);
    }));
    known_ = window;
  }
  const Extent window{offset, std::min(length, known_.end() - offset)};
  const auto run = std::ranges::upper_bound(data_, offset, {}, &Extent::end);
  const bool data = run != data_.end() && run->offset <= offset;
  const std::uint64_t next = data ? run->end() : run != data_.end() ? run->offset : known_.end();
  return DiskExtent{.offset = offset,
                    .length = std::min(next, window.end()) - offset,
                    .present = data,
                    .zero = !data,
                    .data = data};
}

void Allocation::forget() {
  std::lock_guard lock(mutex_);
  known_ = {};
  data_.clear();
}

}  // namespace vmlift::rbd
