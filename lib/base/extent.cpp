#include "vmlift/extent.hpp"

#include <algorithm>

namespace vmlift {
namespace {

/// The first extent that ends at or after `offset`: the first that an extent starting there
/// can touch.
auto first_touching(auto& extents, std::uint64_t offset) {
  return std::lower_bound(extents.begin(), extents.end(), offset,
                          [](const Extent& extent, std::uint64_t at) { return extent.end() < at; });
}

/// The first extent that ends after `offset`.
auto first_overlapping(auto& extents, std::uint64_t offset) {
  return std::lower_bound(
      extents.begin(), extents.end(), offset,
      [](const Extent& extent, std::uint64_t at) { return extent.end() <= at; });
}

}  // namespace

ExtentSet::ExtentSet(std::initializer_list<Extent> extents) {
  for (const Extent& extent : extents) add(extent);
}

void ExtentSet::add(Extent extent) {
  if (extent.empty()) return;
  if (extents_.empty() || extents_.back().end() < extent.offset) {
    extents_.push_back(extent);
    return;
  }
  auto first = first_touching(extents_, extent.offset);
  auto last = first;
  std::uint64_t begin = extent.offset;
  std::uint64_t end = extent.end();
  while (last != extents_.end() && last->offset <= end) {
    begin = std::min(begin, last->offset);
    end = std::max(end, last->end());
    ++last;
  }
  if (first == last) {
    extents_.insert(first, extent);
    return;
  }
  *first = {begin, end - begin};
  extents_.erase(first + 1, last);
}

void ExtentSet::add(const ExtentSet& other) {
  for (const Extent& extent : other) add(extent);
}

void ExtentSet::remove(Extent extent) {
  if (extent.empty()) return;
  auto first = first_overlapping(extents_, extent.offset);
  auto last = first;
  std::vector<Extent> kept;
  while (last != extents_.end() && last->offset < extent.end()) {
    if (last->offset < extent.offset) kept.push_back({last->offset, extent.offset - last->offset});
    if (last->end() > extent.end()) kept.push_back({extent.end(), last->end() - extent.end()});
    ++last;
  }
  auto at = extents_.erase(first, last);
  extents_.insert(at, kept.begin(), kept.end());
}

void ExtentSet::remove(const ExtentSet& other) {
  for (const Extent& extent : other) remove(extent);
}

bool ExtentSet::contains(Extent extent) const {
  if (extent.empty()) return true;
  auto it = first_overlapping(extents_, extent.offset);
  return it != extents_.end() && it->offset <= extent.offset && extent.end() <= it->end();
}

bool ExtentSet::overlaps(Extent extent) const {
  if (extent.empty()) return false;
  auto it = first_overlapping(extents_, extent.offset);
  return it != extents_.end() && it->offset < extent.end();
}

std::uint64_t ExtentSet::total() const {
  std::uint64_t bytes = 0;
  for (const Extent& extent : extents_) bytes += extent.length;
  return bytes;
}

ExtentSet ExtentSet::within(Extent window) const {
  ExtentSet part;
  for (auto it = first_overlapping(extents_, window.offset);
       it != extents_.end() && it->offset < window.end(); ++it) {
    std::uint64_t begin = std::max(it->offset, window.offset);
    std::uint64_t end = std::min(it->end(), window.end());
    part.add(Extent{begin, end - begin});
  }
  return part;
}

ExtentSet ExtentSet::gaps(Extent window) const {
  ExtentSet rest;
  std::uint64_t at = window.offset;
  for (const Extent& extent : within(window)) {
    rest.add(Extent{at, extent.offset - at});
    at = extent.end();
  }
  rest.add(Extent{at, window.end() - at});
  return rest;
}

ExtentSet ExtentSet::intersection(const ExtentSet& other) const {
  ExtentSet common;
  for (const Extent& extent : other) common.add(within(extent));
  return common;
}

}  // namespace vmlift
