#include "copy/segments.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift {

Segments::ZerosAt zeros_of(const Disk& disk) {
  // A run of data holds many segments, and finding its end is work for some file systems: tmpfs
  // looks at every page (an eighth of the time of a copy from there, measured).
  return [&disk, data = Extent{}](std::uint64_t offset,
                                  std::uint64_t length) mutable -> Result<std::uint64_t> {
    if (offset >= data.offset && offset < data.end()) return 0;
    const std::uint64_t end = offset + length;
    std::uint64_t at = offset;
    while (at < end) {
      if (at >= disk.size()) return length;
      VMLIFT_TRY(const DiskExtent run, disk.extent(at, std::min(end, disk.size()) - at));
      if (!run.zero) {
        data = {run.offset, run.length};
        break;
      }
      at = run.end();
    }
    return std::min(at, end) - offset;
  };
}

void Segments::offer_no_plain_runs() {
  std::lock_guard lock(mutex_);
  plain_source_ = nullptr;
}

void Segments::plain_run_took(double seconds) {
  // A reflink of any length takes milliseconds, unless the file is in a thousand pieces.
  std::lock_guard lock(mutex_);
  if (seconds < 0.01) plain_step_ = std::min(plain_step_ * 8, std::uint64_t{1} << 50);
  if (seconds > 0.1) plain_step_ = std::max<std::uint64_t>(plain_step_ / 2, 16 << 20);
}

Result<std::optional<HostPlace>> Segments::plain_at(std::uint64_t offset, std::uint64_t& length) {
  VMLIFT_TRY(const DiskExtent run, plain_source_->extent(offset, length));
  if (run.host_file == nullptr || !run.host_offset || run.zero || run.compressed) {
    return std::nullopt;
  }
  const auto place = run.host_file->host(*run.host_offset);
  if (!place) return std::nullopt;
  std::uint64_t plain = run.length;
  // Neighbouring grains often lie side by side in the file as well.
  while (plain < length) {
    VMLIFT_TRY(const DiskExtent more, plain_source_->extent(offset + plain, length - plain));
    if (more.host_file != run.host_file || !more.host_offset || more.zero || more.compressed ||
        *more.host_offset != *run.host_offset + plain) {
      break;
    }
    plain += more.length;
  }
  length = plain;
  return place;
}

Result<std::optional<Segment>> Segments::next() {
  std::lock_guard lock(mutex_);
  if (at_ >= size_) return std::nullopt;
  const std::uint64_t rest = size_ - at_;
  VMLIFT_TRY(std::uint64_t zeros, zeros_at_(at_, rest));
  Segment segment{.index = index_, .range = {at_, std::min(chunk_, rest)}};
  zeros = std::min(zeros, zero_step_);
  if (zeros < rest) zeros = round_down(zeros, chunk_);
  if (zeros > 0) {
    segment.zero = true;
    segment.range.length = zeros;
  } else if (plain_source_ != nullptr) {
    std::uint64_t length = std::min(rest, plain_step_);
    VMLIFT_TRY(const auto place, plain_at(at_, length));
    if (length < rest) length = round_down(length, chunk_);
    if (place && length > 0) {
      segment.plain = place;
      segment.range.length = length;
    }
  }
  at_ += segment.range.length;
  ++index_;
  return segment;
}

}  // namespace vmlift
