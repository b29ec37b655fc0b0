// The first MiB of a target that has its name from the start, held back until all the rest is
// written: until then a mark stands in its place, so that an interrupted target has no boot
// sector, no partition table and no magic of any image format, and says what it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "vmlift/extent.hpp"

namespace vmlift {

class HeldHead {
 public:
  static constexpr std::uint64_t kLength = 1 << 20;
  static constexpr std::uint64_t kMarkLength = 512;

  /// For a target of `size` bytes.
  explicit HeldHead(std::uint64_t size);

  /// What stands at the start of the target until it is complete.
  std::span<const std::byte> mark() const { return mark_; }
  /// Whether `start`, the first bytes of a disk, are the mark of an interrupted target.
  static bool is_mark(std::span<const std::byte> start);

  /// The bytes held back, for the end.
  std::span<const std::byte> bytes() const { return bytes_; }
  Extent range() const { return {0, bytes_.size()}; }

  /// Keeps what of `buffer`, written at `offset`, belongs into the head; returns how much that is.
  std::size_t keep(std::uint64_t offset, std::span<const std::byte> buffer);
  /// The same for zeros.
  std::uint64_t keep_zeros(Extent extent);
  /// Puts the bytes held back over what `buffer` holds of the target from `offset` on.
  void lay_over(std::uint64_t offset, std::span<std::byte> buffer) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> mark_;
};

}  // namespace vmlift
