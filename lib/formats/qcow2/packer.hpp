// Compressed clusters of an image that is written in one go: laid side by side without gaps and
// written many at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/pool.hpp"
#include "formats/qcow2/host_allocator.hpp"
#include "formats/qcow2/layout.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

class Packer {
 public:
  /// A host cluster takes at most `max_refcount` compressed clusters that touch it.
  Packer(const Geometry& geometry, HostAllocator& allocator, std::uint64_t max_refcount);

  /// Stored bytes on their way to the file.
  struct Batch {
    std::uint64_t offset = 0;
    Pool<Bytes>::Lease bytes;
  };
  /// Finds a place and keeps the payload. A batch that is due is returned: the caller writes it,
  /// outside of its lock.
  std::uint64_t add(std::span<const std::byte> payload, std::optional<Batch>& due);
  /// What has not been returned yet.
  std::optional<Batch> take_pending();
  /// Nothing more comes: gives back what was reserved and not used.
  void finish();

 private:
  void reserve_for(std::uint64_t length, std::optional<Batch>& due);

  const Geometry& geometry_;
  HostAllocator& allocator_;
  const std::uint64_t max_refcount_;
  const std::uint64_t reserve_clusters_;
  std::uint64_t at_ = 0;   // where the next payload goes
  std::uint64_t end_ = 0;  // of the clusters reserved
  std::uint64_t pending_at_ = 0;
  Pool<Bytes> buffers_;
  Pool<Bytes>::Lease pending_;
};

}  // namespace vmlift::qcow2
