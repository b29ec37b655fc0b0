#include "formats/qcow2/in_place.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

// What is kept in memory before it is made durable.
constexpr std::uint64_t kChangedTableBytes = std::uint64_t{16} << 20;
constexpr std::size_t kWaitingDrops = 1 << 20;

constexpr std::uint64_t kAllAllocated = 0xffffffff;
constexpr std::uint64_t kAllZero = kAllAllocated << kSubclusters;

}  // namespace

Result<std::unique_ptr<InPlaceImage>> InPlaceImage::open(const OpenRequest& request) {
  VMLIFT_TRY(Header header, read_header(*request.file, request.options.limits));
  std::unique_ptr<InPlaceImage> image(new InPlaceImage(request.file, std::move(header)));
  VMLIFT_CHECK(image->load(request));
  VMLIFT_CHECK(image->accept(request));
  VMLIFT_TRY(image->refcounts_, RefcountStore::load(image->file_, image->header_));
  image->recorder_ =
      std::make_unique<BitmapRecorder>(image->file_, image->header_, image->bitmaps_);
  return image;
}

Result<void> InPlaceImage::accept(const OpenRequest& request) const {
  if (header_.corrupt() || header_.dirty()) {
    return fail(ErrorCode::Corrupt,
                "the image {}: it is not written before qemu-img check -r all has repaired it",
                header_.corrupt() ? "is marked corrupt" : "was not closed");
  }
  if (!request.options.snapshot.empty()) {
    return fail(ErrorCode::InvalidArgument, "a snapshot is not written");
  }
  if (header_.geometry.data_file) {
    return fail(ErrorCode::UnsupportedFeature, "an image with a data file is not written in place");
  }
  if (header_.autoclear & ~(autoclear::kBitmaps | autoclear::kDataFileRaw)) {
    return fail(ErrorCode::UnsupportedFeature,
                "the image has features (autoclear bits {:#x}) that writing would make stale",
                header_.autoclear);
  }
  return {};
}

DiskCapabilities InPlaceImage::capabilities() const {
  DiskCapabilities can = Image::capabilities();
  can.write = can.zero = can.discard = true;
  return can;
}

Extent InPlaceImage::cluster_at(std::uint64_t offset) const {
  const std::uint64_t cluster = header_.geometry.cluster_size();
  const std::uint64_t begin = round_down(offset, cluster);
  return {begin, std::min(cluster, header_.geometry.size - begin)};
}

std::span<std::uint64_t> InPlaceImage::entry_in(L2Table& table, std::uint64_t offset) const {
  const Geometry& geometry = header_.geometry;
  const std::uint64_t index = (offset >> geometry.cluster_bits) % geometry.l2_entries();
  return std::span(table).subspan(index * geometry.l2_stride(), geometry.l2_stride());
}

void InPlaceImage::release(std::uint64_t word) {
  const Geometry& geometry = header_.geometry;
  if (word & kCompressed) {
    const PackedPlace place = geometry.unpack(word);
    const std::uint64_t end = round_up(place.end(), geometry.cluster_size());
    for (std::uint64_t at = round_down(place.offset, geometry.cluster_size()); at < end;
         at += geometry.cluster_size()) {
      refcounts_->drop_later(at);
    }
  } else if (const std::uint64_t host = word & kOffsetMask; host != 0) {
    refcounts_->drop_later(host);
  }
}

Result<L2Table*> InPlaceImage::table_for_change(std::uint64_t l1_index) {
  const Geometry& geometry = header_.geometry;
  const std::uint64_t entry = l1_[l1_index];
  std::uint64_t place = entry & kOffsetMask;
  std::shared_ptr<L2Table> table;
  if (place != 0) {
    if (const auto changed = changed_tables_.find(place); changed != changed_tables_.end()) {
      return changed->second.get();
    }
    VMLIFT_TRY(table, l2_tables_->get(place, l1_index * geometry.l2_coverage()));
  }
  if (place == 0 || !(entry & kCopied)) {
    const std::uint64_t shared = place;
    VMLIFT_TRY(place, refcounts_->take());
    if (shared == 0) {
      table = std::make_shared<L2Table>(geometry.l2_words());
    } else {
      // The snapshot keeps its table, and from now on both point to the same clusters.
      table = std::make_shared<L2Table>(*table);
      for (std::size_t n = 0; n < table->size(); n += geometry.l2_stride()) (*table)[n] &= ~kCopied;
      refcounts_->drop_later(shared);
    }
    l1_[l1_index] = place | kCopied;
    changed_l1_.insert(l1_index);
  }
  l2_tables_->pin(place, table);
  changed_tables_.emplace(place, table);
  return table.get();
}

Result<std::uint64_t> InPlaceImage::overwritable(std::uint64_t offset) {
  const Geometry& geometry = header_.geometry;
  const std::uint64_t l1_index = offset / geometry.l2_coverage();
  const std::uint64_t place = l1_[l1_index] & kOffsetMask;
  if (place == 0 || !(l1_[l1_index] & kCopied)) return 0;
  VMLIFT_TRY(const Run run, run_at(offset, cluster_at(offset).end()));
  if (run.kind != RunKind::plain) return 0;
  VMLIFT_TRY(const auto table, l2_tables_->get(place, l1_index * geometry.l2_coverage()));
  const auto entry = entry_in(*table, offset);
  const bool whole = !geometry.extended_l2 || entry[1] == kAllAllocated;
  return whole && (entry[0] & kCopied) ? entry[0] & kOffsetMask : 0;
}

/// Writes a piece of one cluster that cannot be overwritten as it lies: the whole cluster, at a
/// new place unless room is kept for it.
Result<void> InPlaceImage::write_cluster(std::uint64_t offset, std::span<const std::byte> piece) {
  const Geometry& geometry = header_.geometry;
  const Extent cluster = cluster_at(offset);
  Bytes content(geometry.cluster_size());
  if (piece.size() < cluster.length) {
    VMLIFT_CHECK(Image::read(cluster.offset, std::span(content).first(cluster.length)));
  }
  std::ranges::copy(piece, content.begin() + static_cast<std::ptrdiff_t>(offset - cluster.offset));
  VMLIFT_TRY(L2Table* const table, table_for_change(offset / geometry.l2_coverage()));
  const auto entry = entry_in(*table, offset);
  const bool room_kept =
      !(entry[0] & kCompressed) && (entry[0] & kCopied) && (entry[0] & kOffsetMask) != 0;
  std::uint64_t host = entry[0] & kOffsetMask;
  if (!room_kept) {
    VMLIFT_TRY(host, refcounts_->take());
    release(entry[0]);
  }
  VMLIFT_CHECK(file_->write(host, content));
  entry[0] = host | kCopied;
  if (geometry.extended_l2) entry[1] = kAllAllocated;
  return {};
}

Result<void> InPlaceImage::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  const std::uint64_t end = offset + buffer.size();
  VMLIFT_CHECK(recorder_->record({offset, buffer.size()}));
  // Neighbours that lie side by side are overwritten together.
  Extent guest{offset, 0};
  std::uint64_t host = 0;
  const auto overwrite = [&]() -> Result<void> {
    if (guest.empty()) return {};
    return file_->write(host, buffer.subspan(guest.offset - offset, guest.length));
  };
  for (std::uint64_t at = offset; at < end;) {
    const Extent cluster = cluster_at(at);
    const std::uint64_t length = std::min(end, cluster.end()) - at;
    VMLIFT_TRY(const std::uint64_t there, overwritable(at));
    const std::uint64_t place = there + (at - cluster.offset);
    if (there != 0 && !guest.empty() && place == host + guest.length) {
      guest.length += length;
    } else {
      VMLIFT_CHECK(overwrite());
      guest = {at, there != 0 ? length : 0};
      host = place;
      if (there == 0) VMLIFT_CHECK(write_cluster(at, buffer.subspan(at - offset, length)));
    }
    at += length;
  }
  VMLIFT_CHECK(overwrite());
  data_->changed();
  if (changed_tables_.size() << header_.geometry.cluster_bits > kChangedTableBytes ||
      refcounts_->waiting_drops() > kWaitingDrops) {
    return flush();
  }
  return {};
}

Result<void> InPlaceImage::zero_part(Extent part) { return write(part.offset, Bytes(part.length)); }

Result<void> InPlaceImage::zero_cluster(std::uint64_t offset) {
  const Geometry& geometry = header_.geometry;
  if (geometry.version < 3 && has_parent()) return zero_part(cluster_at(offset));
  VMLIFT_TRY(L2Table* const table, table_for_change(offset / geometry.l2_coverage()));
  const auto entry = entry_in(*table, offset);
  release(entry[0]);
  entry[0] = has_parent() && !geometry.extended_l2 ? kZero : 0;
  if (geometry.extended_l2) entry[1] = has_parent() ? kAllZero : 0;
  return {};
}

Result<void> InPlaceImage::zero(Extent extent) {
  VMLIFT_CHECK(recorder_->record(extent));
  for (std::uint64_t at = extent.offset; at < extent.end();) {
    VMLIFT_TRY(const Run run, run_at(at, extent.end()));
    const bool zeros =
        run.kind == RunKind::zero || (run.kind == RunKind::unallocated && !has_parent());
    if (zeros) {
      at = run.end();
      continue;
    }
    const Extent cluster = cluster_at(at);
    const Extent part{at, std::min(extent.end(), cluster.end()) - at};
    VMLIFT_CHECK(part == cluster ? zero_cluster(at) : zero_part(part));
    at = part.end();
  }
  data_->changed();
  if (refcounts_->waiting_drops() > kWaitingDrops) return flush();
  return {};
}

Result<void> InPlaceImage::discard(Extent extent) {
  // Parts of clusters cannot be given back.
  const std::uint64_t cluster = header_.geometry.cluster_size();
  const std::uint64_t begin = round_up(extent.offset, cluster);
  const std::uint64_t end =
      extent.end() == header_.geometry.size ? extent.end() : round_down(extent.end(), cluster);
  return begin < end ? zero({begin, end - begin}) : Result<void>{};
}

Result<void> InPlaceImage::complete() {
  VMLIFT_CHECK(flush());
  return recorder_->save(*refcounts_);
}

Result<void> InPlaceImage::flush() {
  // Refcounts and data first, then what points to them, then what is given back.
  VMLIFT_CHECK(refcounts_->save());
  VMLIFT_CHECK(file_->sync());
  for (const auto& [place, table] : changed_tables_) {
    L2Table stored = *table;
    if constexpr (std::endian::native == std::endian::little) {
      for (std::uint64_t& word : stored) word = byte_swap(word);
    }
    VMLIFT_CHECK(file_->write(place, std::as_bytes(std::span(stored))));
  }
  if (!changed_l1_.empty()) {
    VMLIFT_CHECK(file_->sync());  // the L1 table points to the tables
    for (const std::uint64_t index : changed_l1_) {
      std::array<std::byte, 8> entry;
      store_be<std::uint64_t>(entry, 0, l1_[index]);
      VMLIFT_CHECK(file_->write(l1_offset_ + index * 8, entry));
    }
  }
  if (!changed_tables_.empty()) VMLIFT_CHECK(file_->sync());
  changed_tables_.clear();
  changed_l1_.clear();
  l2_tables_->unpin_all();
  return refcounts_->drop_all();
}

}  // namespace vmlift::qcow2
