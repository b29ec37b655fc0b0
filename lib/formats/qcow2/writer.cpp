#include "formats/qcow2/writer.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/qcow2/encoder.hpp"
#include "formats/qcow2/refcounts.hpp"
#include "io/zeros.hpp"

namespace vmlift::qcow2 {
namespace {

// Of an extended entry: all subclusters allocated, or all zeros.
constexpr std::uint64_t kAllAllocated = 0xffffffff;
constexpr std::uint64_t kAllZero = kAllAllocated << kSubclusters;

void set_plain(const Geometry& geometry, std::span<std::uint64_t> entry, std::uint64_t host) {
  entry[0] = host | kCopied;
  if (geometry.extended_l2) entry[1] = kAllAllocated;
}

void set_unallocated(const Geometry& geometry, std::span<std::uint64_t> entry, bool zero) {
  entry[0] = zero && !geometry.extended_l2 ? kZero : 0;
  if (geometry.extended_l2) entry[1] = zero ? kAllZero : 0;
}

bool reads_as_zeros(const Geometry& geometry, std::span<const std::uint64_t> entry) {
  return geometry.extended_l2 ? entry[1] == kAllZero : (entry[0] & kZero) != 0;
}

}  // namespace

Writer::Writer(std::shared_ptr<TargetFile> file, std::shared_ptr<File> plain_file, NewImage image)
    : file_(std::move(file)),
      plain_file_(std::move(plain_file)),
      image_(std::move(image)),
      geometry_(image_.header.geometry),
      allocator_(geometry_),
      tables_(geometry_, *file_, allocator_),
      // A tally's counts have 32 bits; nobody comes near.
      packer_(geometry_, allocator_,
              std::min<std::uint64_t>(max_refcount(image_.header), 0xffffffff)),
      data_(geometry_, image_.header.compression, file_, plain_file_, Limits{}.decoder_memory),
      bitmaps_(geometry_) {}

Result<std::unique_ptr<Writer>> Writer::create(const CreateRequest& request) {
  VMLIFT_TRY(NewImage image, parse_create_options(request.options));
  std::shared_ptr<File> plain_file = request.file;
  if (const auto& name = image.header.data_file_name) {
    VMLIFT_TRY(plain_file, request.file->extra(*name));
  }
  std::unique_ptr<Writer> writer(new Writer(request.file, std::move(plain_file), std::move(image)));
  if (writer->preallocated()) VMLIFT_CHECK(writer->preallocate());
  return writer;
}

Result<void> Writer::preallocate() {
  const std::uint64_t clusters = geometry_.clusters();
  const std::uint64_t host = geometry_.data_file ? 0 : allocator_.take(clusters);
  for (std::uint64_t n = 0; n < clusters; ++n) {
    VMLIFT_TRY(const auto words, entry(n << geometry_.cluster_bits));
    set_plain(geometry_, words, host + (n << geometry_.cluster_bits));
  }
  const Extent data{host, clusters << geometry_.cluster_bits};
  VMLIFT_CHECK(plain_file_->resize(data.end()));
  if (clusters == 0) return {};
  if (image_.preallocation == Preallocation::falloc) return plain_file_->allocate(data);
  if (image_.preallocation == Preallocation::full) return write_zeros(*plain_file_, data);
  return {};
}

DiskCapabilities Writer::capabilities() const {
  DiskCapabilities can;
  can.write = can.zero = can.discard = true;
  can.encoded_write = image_.compress;
  can.zero_initialised = !has_backing();
  return can;
}

Result<void> Writer::info(DiskInfo& info) const {
  info.subformat = geometry_.version == 2 ? "v2" : "v3";
  info.unit_size = geometry_.cluster_size();
  return {};
}

Extent Writer::cluster_at(std::uint64_t offset) const {
  const std::uint64_t begin = round_down(offset, geometry_.cluster_size());
  return {begin, std::min(geometry_.cluster_size(), geometry_.size - begin)};
}

Result<std::span<std::uint64_t>> Writer::entry(std::uint64_t offset) {
  VMLIFT_TRY(const auto table, tables_.table(offset / geometry_.l2_coverage()));
  const std::uint64_t index = (offset >> geometry_.cluster_bits) % geometry_.l2_entries();
  return table.subspan(index * geometry_.l2_stride(), geometry_.l2_stride());
}

// --- Reading what has been written so far

Result<std::vector<Run>> Writer::runs_in(std::uint64_t offset, std::uint64_t end) {
  std::vector<Run> runs;
  const std::uint64_t coverage = geometry_.l2_coverage();
  while (offset < end) {
    const std::uint64_t index = offset / coverage;
    VMLIFT_TRY(const auto table, tables_.existing(index));
    Run run{offset, 0, RunKind::unallocated, 0, {}};
    if (table.empty()) {
      run.length =
          std::min(end, tables_.next_existing(index, units_for(end, coverage)) * coverage) - offset;
    } else {
      VMLIFT_TRY(run,
                 run_in_table(geometry_, table, offset, std::min(end, (index + 1) * coverage)));
    }
    runs.push_back(run);
    offset = run.end();
  }
  return runs;
}

Result<void> Writer::read(std::uint64_t offset, std::span<std::byte> buffer) {
  std::lock_guard lock(mutex_);
  VMLIFT_CHECK(write_batch(packer_.take_pending()));
  VMLIFT_TRY(const auto runs, runs_in(offset, offset + buffer.size()));
  for (const Run& run : runs) {
    if (run.kind == RunKind::unallocated && has_backing()) {
      return fail(ErrorCode::UnsupportedFeature,
                  "an overlay's parent cannot be read before the overlay is complete");
    }
  }
  std::ranges::fill(buffer, std::byte{0});
  VMLIFT_CHECK(fill_up());
  return data_.read(runs, offset, buffer);
}

Result<DiskExtent> Writer::extent(std::uint64_t offset, std::uint64_t length) {
  std::lock_guard lock(mutex_);
  VMLIFT_TRY(const auto runs, runs_in(offset, offset + length));
  const Run& run = runs.front();
  DiskExtent extent{.offset = offset, .length = run.length};
  extent.present = run.kind != RunKind::unallocated;
  extent.data = run.kind == RunKind::plain || run.kind == RunKind::compressed;
  extent.zero = !extent.data;
  extent.compressed = run.kind == RunKind::compressed;
  return extent;
}

// --- Writing

bool Writer::stored(std::span<const std::uint64_t> entry) const {
  // In a data file the first cluster lies at 0.
  return (entry[0] & (kCompressed | kOffsetMask)) != 0 ||
         (geometry_.data_file && (entry[0] & kCopied) != 0);
}

std::uint64_t Writer::take_room(std::uint64_t offset) {
  return geometry_.data_file ? cluster_at(offset).offset : allocator_.take(1);
}

Result<void> Writer::fill_up() {
  const std::uint64_t end =
      geometry_.data_file ? geometry_.clusters() << geometry_.cluster_bits : allocator_.end();
  VMLIFT_TRY(const std::uint64_t size, plain_file_->size());
  return size < end ? plain_file_->resize(end) : Result<void>{};
}

void Writer::release(std::uint64_t word) {
  if (geometry_.data_file) return;
  if (word & kCompressed) {
    const PackedPlace place = geometry_.unpack(word);
    for (std::uint64_t n = place.offset >> geometry_.cluster_bits;
         n <= (place.end() - 1) >> geometry_.cluster_bits; ++n) {
      allocator_.tally().drop(n);
    }
  } else if (const std::uint64_t host = word & kOffsetMask; host != 0) {
    allocator_.tally().drop(host >> geometry_.cluster_bits);
  }
}

Result<void> Writer::write_batch(const std::optional<Packer::Batch>& batch) {
  return batch ? file_->write(batch->offset, *batch->bytes) : Result<void>{};
}

/// A compressed cluster that is written into becomes a plain one. Returns its place.
Result<std::uint64_t> Writer::unpack(std::uint64_t word, std::uint64_t offset) {
  VMLIFT_CHECK(write_batch(packer_.take_pending()));
  const Extent cluster = cluster_at(offset);
  const Run run{cluster.offset, cluster.length, RunKind::compressed, 0, geometry_.unpack(word)};
  Bytes plain(cluster.length);
  VMLIFT_CHECK(data_.read(std::span(&run, 1), cluster.offset, plain));
  const std::uint64_t host = allocator_.take(1);
  VMLIFT_CHECK(file_->write(host, plain));
  release(word);
  return host;
}

/// The place of a piece that lies in one cluster.
Result<std::uint64_t> Writer::place_in_cluster(Extent guest) {
  VMLIFT_TRY(const auto words, entry(guest.offset));
  const std::uint64_t inside = guest.offset & (geometry_.cluster_size() - 1);
  std::uint64_t host = words[0] & kOffsetMask;
  if (words[0] & kCompressed) {
    if (guest == cluster_at(guest.offset)) {
      release(words[0]);
      host = allocator_.take(1);
    } else {
      VMLIFT_TRY(host, unpack(words[0], guest.offset));
    }
    set_plain(geometry_, words, host);
  } else if (!stored(words)) {
    if (has_backing() && !reads_as_zeros(geometry_, words) && guest != cluster_at(guest.offset)) {
      return fail(
          ErrorCode::UnsupportedFeature,
          "a new overlay takes whole clusters of {} bytes; {} bytes at {} are a part of one",
          geometry_.cluster_size(), guest.length, guest.offset);
    }
    host = take_room(guest.offset);
    set_plain(geometry_, words, host);
  }
  return host + inside;
}

Result<std::vector<Writer::Piece>> Writer::place(Extent guest) {
  std::vector<Piece> pieces;
  for (std::uint64_t at = guest.offset; at < guest.end();) {
    const std::uint64_t end = std::min(guest.end(), cluster_at(at).end());
    VMLIFT_TRY(const std::uint64_t host, place_in_cluster({at, end - at}));
    if (!pieces.empty() && pieces.back().host + pieces.back().guest.length == host) {
      pieces.back().guest.length += end - at;
    } else {
      pieces.push_back({{at, end - at}, host});
    }
    at = end;
  }
  return pieces;
}

Result<void> Writer::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  std::vector<Piece> pieces;
  {
    std::lock_guard lock(mutex_);
    VMLIFT_TRY(pieces, place({offset, buffer.size()}));
  }
  for (const Piece& piece : pieces) {
    VMLIFT_CHECK(plain_file_->write(
        piece.host, buffer.subspan(piece.guest.offset - offset, piece.guest.length)));
  }
  return {};
}

Result<bool> Writer::copy_from(HostPlace source, Extent guest) {
  std::vector<Piece> pieces;
  {
    std::lock_guard lock(mutex_);
    VMLIFT_TRY(pieces, place(guest));
  }
  for (const Piece& piece : pieces) {
    const HostPlace from{source.descriptor, source.offset + (piece.guest.offset - guest.offset)};
    VMLIFT_TRY(const bool copied, plain_file_->copy_from(from, piece.host, piece.guest.length));
    if (!copied) return false;
  }
  return true;
}

Result<void> Writer::write_encoded(const EncodedUnit& unit) {
  if (unit.guest != cluster_at(unit.guest.offset) || unit.payload.empty() ||
      unit.payload.size() >= geometry_.cluster_size()) {
    return fail(ErrorCode::InvalidArgument,
                "{} compressed bytes for {} bytes at {} are no compressed cluster of this image",
                unit.payload.size(), unit.guest.length, unit.guest.offset);
  }
  std::optional<Packer::Batch> due;
  {
    std::lock_guard lock(mutex_);
    VMLIFT_TRY(const auto words, entry(unit.guest.offset));
    release(words[0]);
    const std::uint64_t place = packer_.add(unit.payload, due);
    words[0] = geometry_.pack(place, unit.payload.size());
    if (geometry_.extended_l2) words[1] = 0;
  }
  return write_batch(due);
}

std::unique_ptr<UnitEncoder> Writer::encoder() const {
  return image_.compress ? std::make_unique<ClusterEncoder>(image_) : nullptr;
}

// --- Zeros

Result<void> Writer::zero(Extent extent) {
  std::lock_guard lock(mutex_);
  const std::uint64_t coverage = geometry_.l2_coverage();
  for (std::uint64_t at = extent.offset; at < extent.end();) {
    const Extent cluster = cluster_at(at);
    const std::uint64_t index = at / coverage;
    if (!has_backing()) {
      // What has no table reads as zeros already.
      const std::uint64_t next = tables_.next_existing(index, units_for(extent.end(), coverage));
      if (next > index) {
        at = next * coverage;
        continue;
      }
    }
    const Extent part{at, std::min(extent.end(), cluster.end()) - at};
    VMLIFT_CHECK(part == cluster ? zero_cluster(at) : zero_part(part));
    at = part.end();
  }
  return {};
}

Result<void> Writer::zero_cluster(std::uint64_t offset) {
  VMLIFT_TRY(const auto words, entry(offset));
  const std::uint64_t host = words[0] & kCompressed ? 0 : words[0] & kOffsetMask;
  const bool was_plain = !(words[0] & kCompressed) && stored(words);
  const Extent place{host, geometry_.cluster_size()};
  if (image_.preallocation == Preallocation::metadata) return plain_file_->zero(place);
  if (preallocated()) return write_zeros(*plain_file_, place);
  if (has_backing() && geometry_.version < 3) return zero_part(cluster_at(offset));
  release(words[0]);
  set_unallocated(geometry_, words, has_backing());
  return was_plain ? plain_file_->zero(place) : Result<void>{};
}

Result<void> Writer::zero_part(Extent part) {
  VMLIFT_TRY(const auto words, entry(part.offset));
  if (!stored(words) && (!has_backing() || reads_as_zeros(geometry_, words))) return {};
  VMLIFT_TRY(const std::uint64_t host, place_in_cluster(part));
  return write_zeros(*plain_file_, {host, part.length});
}

// --- The end

Result<void> Writer::add_bitmap(const BitmapInfo& info, const ExtentSet& marked) {
  if (geometry_.version < 3) {
    return fail(ErrorCode::UnsupportedFeature,
                "version 2 has no bitmaps ('{}'); make the image with compat=1.1", info.name);
  }
  std::lock_guard lock(mutex_);
  image_.header.autoclear |= autoclear::kBitmaps;
  image_.header.bitmaps.emplace();
  VMLIFT_CHECK(image_.header.encode());  // there is room in the first cluster
  return bitmaps_.add(info, marked);
}

Result<void> Writer::complete() {
  std::lock_guard lock(mutex_);
  Header& header = image_.header;
  VMLIFT_CHECK(write_batch(packer_.take_pending()));
  packer_.finish();
  tables_.place_all();
  if (header.l1_size != 0) {
    header.l1_offset =
        allocator_.take(units_for(std::uint64_t{header.l1_size} * 8, geometry_.cluster_size()));
  }
  VMLIFT_TRY(header.bitmaps, bitmaps_.write(*file_, allocator_));
  const RefcountPlan plan = plan_refcounts(header, allocator_.next_cluster());
  allocator_.take(plan.blocks + plan.table_clusters);
  header.refcount_table_offset = (plan.first_cluster + plan.blocks) << geometry_.cluster_bits;
  header.refcount_table_clusters = static_cast<std::uint32_t>(plan.table_clusters);

  VMLIFT_CHECK(fill_up());
  VMLIFT_CHECK(file_->resize(allocator_.end()));
  if (geometry_.data_file) {
    // It is a disk of its own, which ends where the guest's does.
    VMLIFT_CHECK(plain_file_->resize(round_up(geometry_.size, kSector)));
  }
  VMLIFT_CHECK(write_refcounts(*file_, header, plan, allocator_.tally()));
  VMLIFT_CHECK(tables_.write_all());
  const auto l1 = tables_.l1();
  VMLIFT_CHECK(file_->write(header.l1_offset, std::as_bytes(std::span(l1))));
  VMLIFT_TRY(const Bytes encoded, header.encode());
  return file_->write(0, encoded);
}

}  // namespace vmlift::qcow2
