// The persistent bitmaps of an image that is written in one go: kept in memory, and at the end put
// behind the data.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/qcow2/bitmaps.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/host_allocator.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/extent.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

class BitmapWriter {
 public:
  explicit BitmapWriter(const Geometry& geometry) : geometry_(geometry) {}

  /// Errors: InvalidArgument for a name or a granularity that QEMU would refuse.
  Result<void> add(const BitmapInfo& info, ExtentSet marked);

  /// Writes bits, tables and the directory into clusters of their own. What the header has to say
  /// about them; nothing where there are none.
  Result<std::optional<BitmapsExtension>> write(File& file, HostAllocator& allocator) const;

 private:
  struct NewBitmap {
    BitmapInfo info;
    ExtentSet marked;
  };
  std::uint64_t table_entries(const BitmapInfo& info) const;
  Result<std::vector<std::uint64_t>> write_bits(const NewBitmap& bitmap, File& file,
                                                HostAllocator& allocator) const;

  const Geometry& geometry_;
  std::vector<NewBitmap> bitmaps_;
};

}  // namespace vmlift::qcow2
