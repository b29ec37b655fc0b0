// An existing image, written in place: for passes that bring a copy up to date. A crash at any
// moment leaves an image that is sound and at worst leaks clusters.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>

#include "formats/qcow2/bitmap_recorder.hpp"
#include "formats/qcow2/image.hpp"
#include "formats/qcow2/refcount_store.hpp"

namespace vmlift::qcow2 {

class InPlaceImage : public Image {
 public:
  /// Errors, beside those of reading: Corrupt for an image that was not closed or is marked;
  /// UnsupportedFeature for a data file, and for features that would go stale.
  static Result<std::unique_ptr<InPlaceImage>> open(const OpenRequest& request);

  DiskCapabilities capabilities() const override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override;
  Result<void> zero(Extent extent) override;
  Result<void> discard(Extent extent) override;
  Result<void> flush() override;
  Result<void> complete() override;

 private:
  using Image::Image;
  Result<void> accept(const OpenRequest& request) const;

  /// An L2 table that may be changed: made, or copied when a snapshot shares it.
  Result<L2Table*> table_for_change(std::uint64_t l1_index);
  /// Where the cluster of a piece may be overwritten as it lies; 0: it may not.
  Result<std::uint64_t> overwritable(std::uint64_t offset);
  Result<void> write_cluster(std::uint64_t offset, std::span<const std::byte> piece);
  Result<void> zero_cluster(std::uint64_t offset);
  Result<void> zero_part(Extent part);
  /// Nothing in this image points to what the entry names any more.
  void release(std::uint64_t word);
  Extent cluster_at(std::uint64_t offset) const;
  std::span<std::uint64_t> entry_in(L2Table& table, std::uint64_t offset) const;
  bool has_parent() const { return !header_.backing_name.empty(); }

  std::unique_ptr<RefcountStore> refcounts_;
  std::unique_ptr<BitmapRecorder> recorder_;
  std::map<std::uint64_t, std::shared_ptr<L2Table>> changed_tables_;  // by place
  std::set<std::uint64_t> changed_l1_;
};

}  // namespace vmlift::qcow2
