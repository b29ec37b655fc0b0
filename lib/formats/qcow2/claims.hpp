// Who uses which host cluster. Within one active table nothing is used twice, except that
// compressed clusters lie side by side; an image that says otherwise is corrupt, and one of a few
// megabytes could otherwise pretend to hold petabytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "formats/qcow2/layout.hpp"
#include "vmlift/error.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

/// A set of numbers that grows in runs: pages of bits, a full page takes no room. Nobody pays
/// for the size of the file, only for what is used and scattered.
class NumberSet {
 public:
  bool contains(std::uint64_t number) const;
  /// False when it was there already.
  bool insert(std::uint64_t number);
  void erase(std::uint64_t number);

 private:
  static constexpr std::uint64_t kPageBits = 32768;
  struct Page {
    std::unique_ptr<std::array<std::uint64_t, kPageBits / 64>> bits;  // null and full: all set
    std::uint32_t count = 0;
  };
  std::unordered_map<std::uint64_t, Page> pages_;
};

class HostClaims {
 public:
  explicit HostClaims(const Geometry& geometry) : geometry_(geometry) {}

  /// Claims the clusters of [offset, offset + length) for one user alone. False when one of them
  /// has a user.
  bool claim(std::uint64_t offset, std::uint64_t length);
  /// Claims for a compressed cluster, which shares with its like.
  bool claim_packed(const PackedPlace& place);
  void release(std::uint64_t offset, std::uint64_t length);
  /// The least that all compressed clusters claimed so far must occupy.
  std::uint64_t packed_bytes() const { return packed_bytes_; }

 private:
  const Geometry& geometry_;
  NumberSet alone_;
  NumberSet packed_;
  std::uint64_t packed_bytes_ = 0;
};

/// Claims everything that an L2 table, read for the first time, points to.
Result<void> claim_table(HostClaims& claims, const Geometry& geometry,
                         std::span<const std::uint64_t> words, std::uint64_t guest_offset,
                         std::uint64_t file_size);

}  // namespace vmlift::qcow2
