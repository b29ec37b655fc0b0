// One extent of a VMDK: a stretch of the guest's disk with its own way of being stored. Offsets
// count from the extent's start. Readers may be used from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vmlift/disk.hpp"

namespace vmlift::vmdk {

/// What lies below grains that an extent does not have: the parent's bytes, or zeros.
class Below {
 public:
  Below() = default;
  /// `offset`: where the extent starts on the disk.
  Below(const Disk* parent, std::uint64_t offset) : parent_(parent), offset_(offset) {}

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) const;
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) const;

 private:
  const Disk* parent_ = nullptr;
  std::uint64_t offset_ = 0;
};

class ExtentReader {
 public:
  virtual ~ExtentReader() = default;

  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) = 0;
  virtual Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) = 0;
  /// Visits the compressed grains that begin in `range`, ascending; none by default.
  virtual Result<void> read_encoded(Extent, const EncodedVisitor&) { return {}; }
  virtual Result<void> check(CheckReport&) { return {}; }

  virtual std::uint64_t unit_size() const { return 0; }
  virtual bool compressed() const { return false; }
  virtual std::vector<std::string> warnings() const { return {}; }
};

}  // namespace vmlift::vmdk
