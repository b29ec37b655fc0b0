#include "formats/vmdk/marker_walk.hpp"

#include <array>

#include "base/fail.hpp"
#include "formats/vmdk/marker.hpp"

namespace vmlift::vmdk {

MarkerWalk::MarkerWalk(const File& file, const SparseHeader& header)
    : file_(file),
      grain_sectors_(header.grain_size),
      grain_count_(units_for(header.capacity, header.grain_size)) {
  const auto start = sectors_to_bytes(header.overhead);
  if (start && *start != 0) {
    at_ = *start;
  } else {
    end_ = End::nonsense;
  }
}

std::string_view MarkerWalk::end_in_words() const {
  switch (end_) {
    case End::stream:
      return "the stream ends";
    case End::file:
      return "the file ends";
    default:
      return "the markers stop making sense";
  }
}

std::optional<MarkerWalk::FoundGrain> MarkerWalk::ended(End how) {
  end_ = how;
  return std::nullopt;
}

Result<bool> MarkerWalk::file_holds(std::uint64_t end) const {
  std::array<std::byte, 1> last{};
  VMLIFT_TRY(const std::size_t got, file_.read_some(end - 1, last));
  return got == 1;
}

Result<std::optional<MarkerWalk::FoundGrain>> MarkerWalk::next() {
  while (end_ == End::none) {
    std::array<std::byte, 16> raw{};
    VMLIFT_TRY(const std::size_t got, file_.read_some(at_, raw));
    if (got < raw.size()) return ended(End::file);
    const Marker marker = Marker::parse(raw);
    if (marker.size == 0) {
      if (marker.type == Marker::kEndOfStream) {
        return ended(marker.value == 0 ? End::stream : End::nonsense);
      }
      const auto length = sectors_to_bytes(marker.value);
      const auto after = length ? checked_add(at_ + kSector, *length) : std::nullopt;
      if (!after || *after > std::uint64_t{1} << 62) return ended(End::nonsense);
      at_ = *after;
      continue;
    }
    const FoundGrain found{.grain = marker.value / grain_sectors_, .place = at_};
    if (marker.value % grain_sectors_ != 0 || found.grain >= grain_count_ ||
        marker.size > max_compressed_grain(grain_sectors_ * kSector)) {
      return ended(End::nonsense);
    }
    const std::uint64_t length = kGrainMarkerSize + marker.size;
    VMLIFT_TRY(const bool whole, file_holds(at_ + length));
    if (!whole) return ended(End::file);
    at_ += round_up(length, kSector);
    return found;
  }
  return std::nullopt;
}

}  // namespace vmlift::vmdk
