// Cutting a disk into pieces of work. Segments come in ascending order, aligned to the chunk, so
// that no unit of a target is shared by two of them; what the map knows to be zero is passed
// over in one step, however long it is.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>

#include "vmlift/disk.hpp"

namespace vmlift {

struct Segment {
  std::uint64_t index = 0;  ///< 0, 1, 2, ... in ascending order of offset
  Extent range;
  bool zero = false;                 ///< all of it is known to read as zeros
  std::optional<HostPlace> plain{};  ///< where its bytes lie as they are, in one run
};

class Segments {
 public:
  static constexpr std::uint64_t kChunk = 1 << 20;

  /// How many bytes at `offset` are known to be zeros, `length` at most.
  using ZerosAt = std::function<Result<std::uint64_t>(std::uint64_t offset, std::uint64_t length)>;

  /// `chunk` is a power of two.
  Segments(std::uint64_t size, std::uint64_t chunk, ZerosAt zeros_at)
      : size_(size), chunk_(chunk), zeros_at_(std::move(zeros_at)) {}

  /// No more zeros in one segment than `step`, a multiple of the chunk.
  void cut_zeros(std::uint64_t step) { zero_step_ = step; }
  /// Segments may be long where `source` holds plain bytes that files can share.
  void offer_plain_runs(const Disk& source) { plain_source_ = &source; }
  /// No more of them: these two files share nothing.
  void offer_no_plain_runs();
  /// How long it took to share a plain run: the next ones are cut so that a cancel is heard soon.
  void plain_run_took(double seconds);

  /// The next segment, or nothing at the end. From any thread.
  Result<std::optional<Segment>> next();

 private:
  Result<std::optional<HostPlace>> plain_at(std::uint64_t offset, std::uint64_t& length);

  const std::uint64_t size_;
  const std::uint64_t chunk_;
  const ZerosAt zeros_at_;
  std::uint64_t zero_step_ = std::numeric_limits<std::uint64_t>::max();
  const Disk* plain_source_ = nullptr;
  std::mutex mutex_;
  std::uint64_t at_ = 0;
  std::uint64_t index_ = 0;
  std::uint64_t plain_step_ = 4 << 20;
};

/// Segments::ZerosAt for one disk, for one caller at a time. Bytes beyond its end count as zeros.
Segments::ZerosAt zeros_of(const Disk& disk);

}  // namespace vmlift
