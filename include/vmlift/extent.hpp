// Ranges of bytes and sets of them: the interval algebra that maps, deltas and copies share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace vmlift {

/// Bytes [offset, offset + length). The end fits in 64 bits: whoever makes an Extent from
/// numbers of a file has checked that.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  constexpr std::uint64_t end() const { return offset + length; }
  constexpr bool empty() const { return length == 0; }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

/// A set of bytes, held as sorted extents that neither touch nor overlap. Adding in ascending
/// order is constant time; elsewhere it costs the tail's move. Not thread-safe.
class ExtentSet {
 public:
  ExtentSet() = default;
  ExtentSet(std::initializer_list<Extent> extents);

  void add(Extent extent);
  void add(const ExtentSet& other);
  void remove(Extent extent);
  void remove(const ExtentSet& other);
  void clear() { extents_.clear(); }

  bool contains(Extent extent) const;
  bool overlaps(Extent extent) const;
  bool empty() const { return extents_.empty(); }
  /// The number of bytes in the set.
  std::uint64_t total() const;

  /// The part of this set inside `window`.
  ExtentSet within(Extent window) const;
  /// The part of `window` that is not in this set.
  ExtentSet gaps(Extent window) const;
  ExtentSet intersection(const ExtentSet& other) const;

  auto begin() const { return extents_.begin(); }
  auto end() const { return extents_.end(); }
  /// The number of separate extents.
  std::size_t count() const { return extents_.size(); }
  friend bool operator==(const ExtentSet&, const ExtentSet&) = default;

 private:
  std::vector<Extent> extents_;
};

}  // namespace vmlift
