#include "formats/qcow2/claims.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "base/fail.hpp"

namespace vmlift::qcow2 {

bool NumberSet::contains(std::uint64_t number) const {
  const auto found = pages_.find(number / kPageBits);
  if (found == pages_.end()) return false;
  const Page& page = found->second;
  if (!page.bits) return true;
  const std::uint64_t bit = number % kPageBits;
  return (*page.bits)[bit / 64] >> (bit % 64) & 1;
}

bool NumberSet::insert(std::uint64_t number) {
  Page& page = pages_[number / kPageBits];
  if (!page.bits) {
    if (page.count == kPageBits) return false;
    page.bits = std::make_unique<std::array<std::uint64_t, kPageBits / 64>>();
  }
  const std::uint64_t bit = number % kPageBits;
  std::uint64_t& word = (*page.bits)[bit / 64];
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if (word & mask) return false;
  word |= mask;
  if (++page.count == kPageBits) page.bits.reset();
  return true;
}

void NumberSet::erase(std::uint64_t number) {
  const auto found = pages_.find(number / kPageBits);
  if (found == pages_.end()) return;
  Page& page = found->second;
  if (!page.bits) {
    page.bits = std::make_unique<std::array<std::uint64_t, kPageBits / 64>>();
    page.bits->fill(~std::uint64_t{0});
  }
  const std::uint64_t bit = number % kPageBits;
  std::uint64_t& word = (*page.bits)[bit / 64];
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if (!(word & mask)) return;
  word &= ~mask;
  if (--page.count == 0) pages_.erase(found);
}

bool HostClaims::claim(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = units_for(offset + length, geometry_.cluster_size());
  for (std::uint64_t n = offset >> geometry_.cluster_bits; n < end; ++n) {
    if (packed_.contains(n) || !alone_.insert(n)) return false;
  }
  return true;
}

bool HostClaims::claim_packed(const PackedPlace& place) {
  const std::uint64_t end = units_for(place.end(), geometry_.cluster_size());
  for (std::uint64_t n = place.offset >> geometry_.cluster_bits; n < end; ++n) {
    if (alone_.contains(n)) return false;
    packed_.insert(n);
  }
  // The stream reaches into its last sector, so it has all sectors before and a byte of that.
  packed_bytes_ += place.length > kSector ? place.length - kSector + 1 : 1;
  return true;
}

void HostClaims::release(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = units_for(offset + length, geometry_.cluster_size());
  for (std::uint64_t n = offset >> geometry_.cluster_bits; n < end; ++n) alone_.erase(n);
}

Result<void> claim_table(HostClaims& claims, const Geometry& geometry,
                         std::span<const std::uint64_t> words, std::uint64_t guest_offset,
                         std::uint64_t file_size) {
  const auto shared = [&](std::size_t index, const char* what) {
    const std::uint64_t guest =
        guest_offset + (index / geometry.l2_stride() << geometry.cluster_bits);
    return std::unexpected(
        error(ErrorCode::Corrupt, "the cluster of guest offset {} {}", guest, what).at(guest));
  };
  std::vector<std::pair<std::uint64_t, std::size_t>> packed;
  for (std::size_t index = 0; index < words.size(); index += geometry.l2_stride()) {
    const std::uint64_t word = words[index];
    if (word == 0) continue;
    if (word & kCompressed) {
      const PackedPlace place = geometry.unpack(word);
      if (place.offset >= file_size) continue;  // Truncated when it is read
      if (!claims.claim_packed(place)) return shared(index, "lies where other data lies");
      packed.emplace_back(place.offset, index);
      continue;
    }
    const std::uint64_t host = word & kOffsetMask;
    // Out of place or out of the file: an error of its own when it is read.
    if (host == 0 || host >= file_size || !is_aligned(host, geometry.cluster_size())) continue;
    if (!claims.claim(host, geometry.cluster_size())) {
      return shared(index, "lies where other data or a table lies");
    }
  }
  std::ranges::sort(packed);
  const auto twice = std::ranges::adjacent_find(
      packed, [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != packed.end()) return shared(twice->second, "shares its compressed data");
  if (claims.packed_bytes() > file_size) {
    return fail(ErrorCode::Corrupt,
                "the compressed clusters claim more bytes than the file has: {} of {}",
                claims.packed_bytes(), file_size);
  }
  return {};
}

}  // namespace vmlift::qcow2
