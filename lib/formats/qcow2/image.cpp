#include "formats/qcow2/image.hpp"

#include <algorithm>
#include <span>

#include "base/fail.hpp"
#include "formats/qcow2/check.hpp"

namespace vmlift::qcow2 {
namespace {

// Plain runs as long as this are looked up in the file: a preallocated image is mostly holes.
constexpr std::uint64_t kHoleSearchLength = std::uint64_t{1} << 20;
// What read_encoded gathers before it reads.
constexpr std::uint64_t kGatherLength = std::uint64_t{2} << 20;

}  // namespace

Image::Image(std::shared_ptr<File> file, Header header)
    : file_(std::move(file)),
      header_(std::move(header)),
      claims_(header_.geometry),
      data_claims_(header_.geometry) {}

Result<std::unique_ptr<Image>> Image::open(const OpenRequest& request) {
  VMLIFT_TRY(Header header, read_header(*request.file, request.options.limits));
  if (header.corrupt() && !request.options.allow_corrupt) {
    return fail(ErrorCode::Corrupt,
                "the image is marked corrupt; repair it with qemu-img check -r, or read it all the "
                "same with --allow-corrupt");
  }
  std::unique_ptr<Image> image(new Image(request.file, std::move(header)));
  VMLIFT_CHECK(image->load(request));
  return image;
}

Result<void> Image::load(const OpenRequest& request) {
  const Geometry& geometry = header_.geometry;
  VMLIFT_TRY(const std::uint64_t file_size, file_->size());
  VMLIFT_CHECK(load_state(request, file_size));
  VMLIFT_CHECK(load_l1(file_size));
  VMLIFT_CHECK(open_references(request));

  std::uint64_t data_file_size = file_size;
  std::shared_ptr<File> plain_file = file_;
  if (geometry.data_file) {
    data_file_size = 0;
    if (data_file_) {
      VMLIFT_TRY(data_file_size, (*data_file_)->size());
      plain_file = *data_file_;
    }
  }
  // Who asks for a corrupt image gets its clusters however often they are used.
  HostClaims* claims = geometry.data_file ? &data_claims_ : &claims_;
  if (request.options.allow_corrupt) claims = nullptr;
  l2_tables_ = std::make_unique<L2Cache>(file_, geometry, data_file_size, claims);
  data_ = std::make_unique<DataReader>(geometry, header_.compression, file_, std::move(plain_file),
                                       request.options.limits.decoder_memory);
  return {};
}

/// Which L1 table is shown, and what else the image holds beside it.
Result<void> Image::load_state(const OpenRequest& request, std::uint64_t file_size) {
  const Limits& limits = request.options.limits;
  l1_offset_ = header_.l1_offset;
  l1_size_ = header_.l1_size;
  claims_.claim(0, header_.geometry.cluster_size());
  if (!claims_.claim(header_.l1_offset, l1_size_ * 8) ||
      !claims_.claim(header_.refcount_table_offset, std::uint64_t{header_.refcount_table_clusters}
                                                        << header_.geometry.cluster_bits)) {
    return fail(ErrorCode::Corrupt, "the header, the L1 table and the refcount table overlap");
  }
  VMLIFT_TRY(snapshots_, read_snapshots(*file_, header_));
  if (!request.options.snapshot.empty()) {
    return select_snapshot(request.options.snapshot, limits.l1_table, file_size);
  }
  if (auto bitmaps = read_bitmap_directory(*file_, header_, limits)) {
    bitmaps_ = *std::move(bitmaps);
  } else {
    header_.warnings.push_back("the bitmaps cannot be read: " + bitmaps.error().describe());
  }
  return {};
}

Result<void> Image::select_snapshot(const std::string& wanted, std::uint64_t l1_limit,
                                    std::uint64_t file_size) {
  VMLIFT_TRY(const Snapshot snapshot, find_snapshot(snapshots_, wanted));
  Geometry& geometry = header_.geometry;
  geometry.size = snapshot.info.virtual_size;
  l1_offset_ = snapshot.l1_offset;
  l1_size_ = snapshot.l1_size;
  if (l1_size_ * 8 > l1_limit || !within(l1_offset_, l1_size_ * 8, file_size) ||
      !is_aligned(l1_offset_, geometry.cluster_size()) || geometry.size > std::uint64_t{1} << 62 ||
      geometry.l1_entries() > l1_size_ || !claims_.claim(l1_offset_, l1_size_ * 8)) {
    return fail(ErrorCode::Corrupt,
                "snapshot '{}' is damaged: an L1 table of {} entries at {:#x} for {} bytes", wanted,
                l1_size_, l1_offset_, geometry.size);
  }
  // Bitmaps tell about the current state.
  header_.bitmaps.reset();
  return {};
}

Result<void> Image::load_l1(std::uint64_t file_size) {
  const Geometry& geometry = header_.geometry;
  l1_.resize(geometry.l1_entries());
  VMLIFT_CHECK(file_->read(l1_offset_, std::as_writable_bytes(std::span(l1_))));
  for (std::size_t index = 0; index < l1_.size(); ++index) {
    if (l1_[index] == 0) continue;
    if constexpr (std::endian::native == std::endian::little) l1_[index] = byte_swap(l1_[index]);
    const std::uint64_t entry = l1_[index];
    const std::uint64_t at = l1_offset_ + index * 8;
    const std::uint64_t table = entry & kOffsetMask;
    if (entry & kL1Reserved) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "L1 entry {} ({:#018x}) has reserved bits set", index, entry)
              .at(at));
    }
    if (!is_aligned(table, geometry.cluster_size())) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "L1 entry {} does not point to a cluster's begin", index)
              .at(at));
    }
    if (table == 0) continue;
    if (!within(table, geometry.cluster_size(), file_size)) {
      return std::unexpected(
          error(ErrorCode::Truncated,
                "the L2 table of guest offset {} lies at {:#x}, but the file ends at {:#x}",
                index * geometry.l2_coverage(), table, file_size)
              .at(at));
    }
    if (!claims_.claim(table, geometry.cluster_size())) {
      return std::unexpected(error(ErrorCode::Corrupt,
                                   "the L2 table of guest offset {} lies where another table lies",
                                   index * geometry.l2_coverage())
                                 .at(at));
    }
  }
  return {};
}

Result<void> Image::open_references(const OpenRequest& request) {
  const auto wait_for_need = [](const Error& error) {
    return error.code() == ErrorCode::ReferenceDenied || error.code() == ErrorCode::MissingExtent;
  };
  if (!header_.backing_name.empty()) {
    const std::string& format = header_.backing_format.value_or("");
    parent_ = request.references.open_parent(header_.backing_name, format);
    if (!parent_ && format.empty() && parent_.error().code() == ErrorCode::BadMagic) {
      return fail(ErrorCode::UnsafeProbe,
                  "the image does not state its backing file's format, and that is no qcow2 image; "
                  "state it with qemu-img rebase -u -F");
    }
    if (!parent_ && !wait_for_need(parent_.error())) return std::unexpected(parent_.error());
  }
  if (header_.geometry.data_file) {
    if (!header_.data_file_name) {
      return fail(ErrorCode::BadHeader, "the image has a data file but does not name it");
    }
    data_file_ = request.references.open_file(*header_.data_file_name, "data file");
    if (!data_file_ && !wait_for_need(data_file_.error())) {
      return std::unexpected(data_file_.error());
    }
  }
  return {};
}

DiskCapabilities Image::capabilities() const {
  DiskCapabilities can;
  can.encoded_read = !header_.geometry.data_file;
  return can;
}

Result<void> Image::info(DiskInfo& info) const {
  const Geometry& geometry = header_.geometry;
  const auto yes = [](bool value) { return value ? "true" : "false"; };
  info.subformat = geometry.version == 2 ? "v2" : "v3";
  info.unit_size = geometry.cluster_size();
  info.dirty = header_.dirty();
  info.corrupt = header_.corrupt();
  if (!header_.backing_name.empty()) info.backing_file = header_.backing_name;
  info.backing_format = header_.backing_format;
  info.data_file = header_.data_file_name;
  for (const Snapshot& snapshot : snapshots_.snapshots) info.snapshots.push_back(snapshot.info);
  for (const Bitmap& bitmap : bitmaps_) info.bitmaps.push_back(bitmap.info);
  info.warnings.insert(info.warnings.end(), header_.warnings.begin(), header_.warnings.end());
  if (header_.dirty()) info.warnings.push_back("the image was not closed: its refcounts are stale");
  if (header_.corrupt()) info.warnings.push_back("the image is marked corrupt");
  if (!parent_) info.warnings.push_back(parent_.error().describe());
  if (!data_file_) info.warnings.push_back(data_file_.error().describe());
  info.details.emplace_back("compat", geometry.version == 2 ? "0.10" : "1.1");
  info.details.emplace_back("compression-type",
                            header_.compression == CompressionType::zstd ? "zstd" : "zlib");
  info.details.emplace_back("lazy-refcounts", yes(header_.compatible & compatible::kLazyRefcounts));
  info.details.emplace_back("refcount-bits", fmt::format("{}", header_.refcount_bits()));
  info.details.emplace_back("corrupt", yes(header_.corrupt()));
  info.details.emplace_back("extended-l2", yes(geometry.extended_l2));
  if (geometry.data_file) {
    info.details.emplace_back("data-file-raw", yes(header_.autoclear & autoclear::kDataFileRaw));
  }
  return {};
}

Result<Run> Image::run_at(std::uint64_t offset, std::uint64_t end) {
  const Geometry& geometry = header_.geometry;
  const std::uint64_t coverage = geometry.l2_coverage();
  std::uint64_t index = offset / coverage;
  const std::uint64_t table_offset = l1_[index] & kOffsetMask;
  if (table_offset == 0) {
    do {
      ++index;
    } while (index < l1_.size() && (l1_[index] & kOffsetMask) == 0 && index * coverage < end);
    return Run{offset, std::min(end, index * coverage) - offset, RunKind::unallocated, 0, {}};
  }
  VMLIFT_TRY(const auto table, l2_tables_->get(table_offset, index * coverage));
  return run_in_table(geometry, *table, offset, std::min(end, (index + 1) * coverage));
}

Result<std::vector<Run>> Image::runs_in(std::uint64_t offset, std::uint64_t end) {
  std::vector<Run> runs;
  while (offset < end) {
    VMLIFT_TRY(const Run run, run_at(offset, end));
    runs.push_back(run);
    offset = run.end();
  }
  return runs;
}

Result<void> Image::read(std::uint64_t offset, std::span<std::byte> buffer) {
  VMLIFT_TRY(const std::vector<Run> runs, runs_in(offset, offset + buffer.size()));
  if (!data_file_) return std::unexpected(data_file_.error());
  VMLIFT_CHECK(data_->read(runs, offset, buffer));
  for (const Run& run : runs) {
    if (run.kind != RunKind::unallocated) continue;
    VMLIFT_CHECK(read_parent(run, buffer.subspan(run.offset - offset, run.length)));
  }
  return {};
}

Result<void> Image::read_parent(const Run& run, std::span<std::byte> out) {
  if (!parent_) return std::unexpected(parent_.error());
  std::uint64_t there = 0;
  if (const Disk* parent = parent_->get(); parent != nullptr && run.offset < parent->size()) {
    there = std::min(run.length, parent->size() - run.offset);
    VMLIFT_CHECK(parent->read(run.offset, out.first(there)));
  }
  std::ranges::fill(out.subspan(there), std::byte{0});
  return {};
}

Result<DiskExtent> Image::parent_extent(const Run& run) {
  if (!parent_) return std::unexpected(parent_.error());
  const Disk* parent = parent_->get();
  if (parent == nullptr || run.offset >= parent->size()) {
    return DiskExtent{.offset = run.offset, .length = run.length, .zero = true};
  }
  VMLIFT_TRY(DiskExtent extent,
             parent->extent(run.offset, std::min(run.length, parent->size() - run.offset)));
  ++extent.depth;
  return extent;
}

Result<DiskExtent> Image::extent(std::uint64_t offset, std::uint64_t length) {
  const Geometry& geometry = header_.geometry;
  VMLIFT_TRY(Run run, run_at(offset, offset + length));
  if (run.kind == RunKind::unallocated) return parent_extent(run);
  if (!data_file_) return std::unexpected(data_file_.error());

  DiskExtent extent{.offset = offset, .length = run.length, .present = true};
  if (run.kind == RunKind::zero) {
    extent.zero = true;
    return extent;
  }
  extent.data = true;
  if (run.kind == RunKind::compressed) {
    extent.compressed = true;
    VMLIFT_TRY(const std::uint64_t file_size, file_->size());
    while (run.kind == RunKind::compressed) {
      if (run.packed.offset >= file_size) {
        return std::unexpected(
            error(ErrorCode::Truncated,
                  "the compressed cluster of guest offset {} lies at {:#x}, but the file ends at "
                  "{:#x}",
                  run.offset, run.packed.offset, file_size)
                .at(run.offset));
      }
      extent.length = run.end() - offset;
      if (extent.length >= length) break;
      VMLIFT_TRY(run, run_at(run.end(), offset + length));
    }
    return extent;
  }
  const File& data = geometry.data_file ? **data_file_ : *file_;
  VMLIFT_TRY(const std::uint64_t data_size, data.size());
  if (!within(run.host, run.length, data_size)) {
    return std::unexpected(
        error(ErrorCode::Truncated,
              "the clusters of guest offset {} lie at {:#x}, but the file ends at {:#x}", offset,
              run.host, data_size)
            .at(offset));
  }
  extent.host_offset = run.host;
  extent.host_file = &data;
  if (run.length >= kHoleSearchLength) {
    VMLIFT_TRY(const File::Run stored, data.run(run.host, run.length));
    // Whole clusters only: one that was written in part is data.
    const std::uint64_t cluster = geometry.cluster_size();
    const std::uint64_t stored_end = offset + stored.length;
    const std::uint64_t hole_end = round_down(stored_end, cluster);
    if (stored.hole && hole_end > offset && is_aligned(offset, cluster)) {
      extent.length = hole_end - offset;
      extent.zero = true;
      extent.data = false;
      extent.host_offset.reset();
      extent.host_file = nullptr;
    } else {
      extent.length = std::min(run.length, round_up(stored_end, cluster) - offset);
    }
  }
  return extent;
}

Result<void> Image::read_encoded(Extent range, const EncodedVisitor& visit) {
  const Geometry& geometry = header_.geometry;
  std::vector<Run> gathered;
  std::uint64_t gathered_bytes = 0;
  const auto flush = [&]() -> Result<void> {
    if (gathered.empty()) return {};
    VMLIFT_CHECK(data_->read_encoded(gathered, visit));
    gathered.clear();
    gathered_bytes = 0;
    return {};
  };
  // A unit that begins in the range may end beyond it.
  const std::uint64_t begin = round_up(range.offset, geometry.cluster_size());
  for (std::uint64_t at = begin; at < range.end();) {
    VMLIFT_TRY(const Run run,
               run_at(at, std::min(round_up(range.end(), geometry.cluster_size()), geometry.size)));
    at = run.end();
    if (run.kind == RunKind::compressed && run.length == geometry.cluster_size()) {
      gathered.push_back(run);
      gathered_bytes += run.packed.length;
      if (gathered_bytes >= kGatherLength) VMLIFT_CHECK(flush());
    } else if (run.kind == RunKind::unallocated && parent_ && *parent_ != nullptr &&
               (*parent_)->capabilities().encoded_read && run.offset < (*parent_)->size()) {
      VMLIFT_CHECK(flush());
      const Extent below{run.offset, std::min(run.length, (*parent_)->size() - run.offset)};
      VMLIFT_CHECK((*parent_)->read_encoded(below, [&](const EncodedUnit& unit) -> Result<void> {
        if (unit.guest.end() > run.end()) return {};  // this image holds a part of it
        return visit(unit);
      }));
    }
  }
  return flush();
}

Result<CheckReport> Image::check() { return check_image(*file_, header_, snapshots_, bitmaps_); }

Result<ExtentSet> Image::bitmap(std::string_view name) {
  const auto found = std::ranges::find_if(
      bitmaps_, [&](const Bitmap& bitmap) { return bitmap.info.name == name; });
  if (found == bitmaps_.end()) return DiskBackend::bitmap(name);
  return read_bitmap(*file_, header_, *found);
}

}  // namespace vmlift::qcow2
