// Comparing two disks in parallel. Segments are handed out in ascending order, so when one
// differs, every lower one has been handed out already and the lowest difference is the first.
#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "copy/crew.hpp"
#include "copy/segments.hpp"
#include "vmlift/copy.hpp"

namespace vmlift {
namespace {

/// Reads from `disk` as if zeros followed its end.
Result<void> read_padded(const Disk& disk, std::uint64_t offset, std::span<std::byte> buffer) {
  const std::uint64_t there =
      offset < disk.size() ? std::min<std::uint64_t>(buffer.size(), disk.size() - offset) : 0;
  if (there > 0) VMLIFT_CHECK(disk.read(offset, buffer.first(there)));
  std::ranges::fill(buffer.subspan(there), std::byte{0});
  return {};
}

}  // namespace

Result<std::optional<std::uint64_t>> compare_disks(const Disk& a, const Disk& b,
                                                   const CopyOptions& options, bool ignore_size) {
  const std::uint64_t common = std::min(a.size(), b.size());
  const std::uint64_t size = ignore_size ? std::max(a.size(), b.size()) : common;
  const auto zeros_a = zeros_of(a);
  const auto zeros_b = zeros_of(b);
  Segments segments(size, Segments::kChunk,
                    [&](std::uint64_t offset, std::uint64_t length) -> Result<std::uint64_t> {
                      VMLIFT_TRY(const std::uint64_t in_a, zeros_a(offset, length));
                      return in_a == 0 ? 0 : zeros_b(offset, in_a);
                    });
  Crew crew(options, size, std::max(a.capabilities().requests, b.capabilities().requests));
  std::mutex mutex;
  std::optional<std::uint64_t> first;
  const auto differs_at = [&](std::uint64_t offset) {
    std::lock_guard lock(mutex);
    if (!first || offset < *first) first = offset;
  };

  VMLIFT_CHECK(crew.run([&]() -> Result<void> {
    Bytes left;
    Bytes right;
    while (!crew.stopping()) {
      {
        std::lock_guard lock(mutex);
        if (first) return {};
      }
      VMLIFT_TRY(const auto segment, segments.next());
      if (!segment) return {};
      if (!segment->zero) {
        left.resize(segment->range.length);
        right.resize(segment->range.length);
        VMLIFT_CHECK(read_padded(a, segment->range.offset, left));
        VMLIFT_CHECK(read_padded(b, segment->range.offset, right));
        // Comparing the vectors goes byte by byte.
        if (std::memcmp(left.data(), right.data(), left.size()) != 0) {
          const auto place = std::ranges::mismatch(left, right).in1 - left.begin();
          differs_at(segment->range.offset + static_cast<std::uint64_t>(place));
        }
      }
      crew.advance(segment->range.length);
    }
    return {};
  }));
  if (!first && !ignore_size && a.size() != b.size()) return common;
  return first;
}

}  // namespace vmlift
