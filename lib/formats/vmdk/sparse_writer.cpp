#include "formats/vmdk/sparse_writer.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <vector>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/descriptor_writer.hpp"
#include "formats/vmdk/extent_layout.hpp"
#include "formats/vmdk/grain_encoder.hpp"
#include "formats/vmdk/sparse_header.hpp"
#include "formats/vmdk/table_store.hpp"

namespace vmlift::vmdk {
namespace {

constexpr std::uint64_t kGrainSectors = kGrainBytes / kSector;
constexpr std::uint64_t kDescriptorSector = 1;
constexpr std::uint64_t kDescriptorSectors = 20;

/// One sparse extent under construction. Several threads may write to places that do not overlap.
class SparseFile {
 public:
  static Result<std::unique_ptr<SparseFile>> create(std::shared_ptr<File> file,
                                                    const NewImage& image, std::uint64_t sectors,
                                                    bool with_descriptor) {
    auto made = std::unique_ptr<SparseFile>(
        new SparseFile(std::move(file), image, sectors, with_descriptor));
    if (made->header_.overhead > UINT32_MAX) {
      return fail(ErrorCode::InvalidArgument,
                  "the tables of a sparse VMDK reach 2 TiB; a disk of {} sectors is too large",
                  sectors);
    }
    VMLIFT_CHECK(made->file_->resize(made->header_.overhead * kSector));
    return made;
  }

  std::uint64_t bytes() const { return header_.capacity_bytes(); }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) {
    VMLIFT_TRY(const auto runs, place({offset, buffer.size()}, true));
    for (const Run& run : runs) {
      VMLIFT_CHECK(file_->write(run.place, buffer.subspan(run.offset - offset, run.length)));
    }
    return {};
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) {
    VMLIFT_TRY(const auto runs, place({offset, buffer.size()}, false));
    std::ranges::fill(buffer, std::byte{0});
    VMLIFT_TRY(const std::uint64_t end, file_->size());
    for (const Run& run : runs) {
      // A grain is there from its first byte's write on; the file grows with it.
      if (run.place >= end) continue;
      const std::uint64_t there = std::min(run.length, end - run.place);
      VMLIFT_CHECK(file_->read(run.place, buffer.subspan(run.offset - offset, there)));
    }
    return {};
  }

  Result<void> zero(vmlift::Extent extent) {
    VMLIFT_TRY(const auto runs, place(extent, false));
    for (const Run& run : runs) VMLIFT_CHECK(file_->zero({run.place, run.length}));
    return {};
  }

  Result<bool> copy_from(HostPlace source, vmlift::Extent guest) {
    VMLIFT_TRY(const auto runs, place(guest, true));
    for (const Run& run : runs) {
      const HostPlace from{source.descriptor, source.offset + (run.offset - guest.offset)};
      VMLIFT_TRY(const bool moved, file_->copy_from(from, run.place, run.length));
      // Once a part is there the rest has to follow; the caller writes all of it then.
      if (!moved) return false;
    }
    return true;
  }

  Result<void> flush() { return file_->sync(); }

  Result<void> complete(const std::string& descriptor) {
    VMLIFT_CHECK(tables_.flush());
    VMLIFT_CHECK(write_directory(header_.redundant_directory, redundant_tables_));
    VMLIFT_CHECK(write_directory(header_.directory, first_tables_));
    // The last grain may have been written in part.
    VMLIFT_CHECK(file_->resize(next_grain_sector_ * kSector));
    if (!descriptor.empty()) {
      VMLIFT_CHECK(file_->write(kDescriptorSector * kSector, as_bytes(descriptor)));
    }
    return file_->write(0, encode_sparse_header(header_));
  }

 private:
  struct Run {
    std::uint64_t offset = 0;  // of the extent
    std::uint64_t length = 0;
    std::uint64_t place = 0;  // in the file
  };

  // Header, descriptor, redundant directory and tables, directory and tables, grains: the order
  // of VMware's own files.
  SparseFile(std::shared_ptr<File> file, const NewImage& image, std::uint64_t sectors,
             bool with_descriptor)
      : file_(std::move(file)),
        header_(layout(image, sectors, with_descriptor)),
        redundant_tables_(header_.redundant_directory + directory_sectors()),
        first_tables_(header_.directory + directory_sectors()),
        next_grain_sector_(header_.overhead),
        tables_(*file_, first_tables_ * kSector, redundant_tables_ * kSector) {}

  static SparseHeader layout(const NewImage& image, std::uint64_t sectors, bool with_descriptor) {
    SparseHeader header;
    header.version = image.zero_grains ? 2 : 1;
    header.flags = SparseHeader::kNewlineTest | SparseHeader::kRedundantDirectory;
    if (image.zero_grains) header.flags |= SparseHeader::kZeroGrains;
    header.capacity = sectors;
    header.grain_size = kGrainSectors;
    header.table_entries = TableStore::kEntries;
    header.descriptor_offset = with_descriptor ? kDescriptorSector : 0;
    header.descriptor_size = with_descriptor ? kDescriptorSectors : 0;
    const std::uint64_t metadata =
        directory_sectors(header) + header.table_count() * TableStore::kTableBytes / kSector;
    header.redundant_directory = 1 + (with_descriptor ? kDescriptorSectors : 0);
    header.directory = header.redundant_directory + metadata;
    header.overhead = round_up(header.directory + metadata, kGrainSectors);
    return header;
  }
  static std::uint64_t directory_sectors(const SparseHeader& header) {
    return units_for(header.table_count() * 4, kSector);
  }
  std::uint64_t directory_sectors() const { return directory_sectors(header_); }

  /// Where `range` lies in the file, neighbours merged. What has no grain is left out, or with
  /// `allocate` gets one at the file's end.
  Result<std::vector<Run>> place(vmlift::Extent range, bool allocate) {
    std::vector<Run> runs;
    std::lock_guard lock(mutex_);
    while (!range.empty()) {
      const std::uint64_t skip = range.offset % kGrainBytes;
      const std::uint64_t step = up_to_boundary(range.offset, range.length, kGrainBytes);
      VMLIFT_TRY(std::uint32_t* const entry, tables_.entry(range.offset / kGrainBytes));
      if (*entry == 0 && allocate) {
        if (next_grain_sector_ > UINT32_MAX) {
          return fail(ErrorCode::UnsupportedFeature,
                      "the data does not fit into one sparse extent: its tables reach 2 TiB");
        }
        *entry = static_cast<std::uint32_t>(next_grain_sector_);
        next_grain_sector_ += kGrainSectors;
      }
      if (*entry != 0) {
        const std::uint64_t at = *entry * kSector + skip;
        if (!runs.empty() && runs.back().place + runs.back().length == at &&
            runs.back().offset + runs.back().length == range.offset) {
          runs.back().length += step;
        } else {
          runs.push_back({range.offset, step, at});
        }
      }
      range = {range.offset + step, range.length - step};
    }
    return runs;
  }

  Result<void> write_directory(std::uint64_t sector, std::uint64_t tables) {
    constexpr std::uint64_t kBatch = 1 << 16;
    Bytes raw;
    for (std::uint64_t first = 0; first < header_.table_count(); first += kBatch) {
      const std::uint64_t count = std::min(kBatch, header_.table_count() - first);
      raw.resize(count * 4);
      for (std::uint64_t i = 0; i < count; ++i) {
        store_le(
            raw, i * 4,
            static_cast<std::uint32_t>(tables + (first + i) * TableStore::kTableBytes / kSector));
      }
      VMLIFT_CHECK(file_->write(sector * kSector + first * 4, raw));
    }
    return {};
  }

  std::shared_ptr<File> file_;
  SparseHeader header_;
  std::uint64_t redundant_tables_;  // sectors
  std::uint64_t first_tables_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t next_grain_sector_;
  TableStore tables_;
};

class SparseWriter : public DiskBackend {
 public:
  SparseWriter(std::shared_ptr<TargetFile> file, const NewImage& image,
               std::vector<ListedExtent> layout)
      : file_(std::move(file)), image_(image), layout_(std::move(layout)) {}

  Result<void> make_files() {
    const bool one_file = image_.kind == Kind::monolithic_sparse;
    std::uint64_t start = 0;
    for (const ListedExtent& extent : layout_) {
      std::shared_ptr<File> file = file_;
      if (!one_file) {
        VMLIFT_TRY(file, file_->extra(extent.file));
      }
      VMLIFT_TRY(auto part, SparseFile::create(std::move(file), image_, extent.sectors, one_file));
      starts_.push_back(start);
      start += part->bytes();
      parts_.push_back(std::move(part));
    }
    return {};
  }

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return image_.bytes(); }
  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.zero = can.discard = can.zero_initialised = true;
    return can;
  }
  Result<void> info(DiskInfo& info) const override {
    info.subformat = kind_name(image_.kind);
    info.unit_size = kGrainBytes;
    for (const ListedExtent& extent : layout_) info.files.push_back(extent.file);
    return {};
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return each_part({offset, buffer.size()},
                     [&](SparseFile& part, vmlift::Extent inside, std::uint64_t done) {
                       return part.read(inside.offset, buffer.subspan(done, inside.length));
                     });
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    return DiskExtent{.offset = offset, .length = length, .present = true, .data = true};
  }
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return each_part({offset, buffer.size()},
                     [&](SparseFile& part, vmlift::Extent inside, std::uint64_t done) {
                       return part.write(inside.offset, buffer.subspan(done, inside.length));
                     });
  }
  Result<void> zero(vmlift::Extent extent) override {
    return each_part(extent, [](SparseFile& part, vmlift::Extent inside, std::uint64_t) {
      return part.zero(inside);
    });
  }
  Result<void> discard(vmlift::Extent extent) override { return zero(extent); }

  Result<bool> copy_from(HostPlace source, vmlift::Extent guest) override {
    const std::size_t index = part_at(guest.offset);
    SparseFile& part = *parts_[index];
    if (guest.end() > starts_[index] + part.bytes()) return false;
    return part.copy_from(source, {guest.offset - starts_[index], guest.length});
  }
  Result<void> flush() override {
    for (const auto& part : parts_) VMLIFT_CHECK(part->flush());
    return {};
  }

  Result<void> complete() override {
    const std::string descriptor = write_descriptor(image_, layout_, ContentId::random());
    const bool one_file = image_.kind == Kind::monolithic_sparse;
    for (const auto& part : parts_) {
      VMLIFT_CHECK(part->complete(one_file ? descriptor : std::string()));
    }
    return one_file ? Result<void>{} : file_->write(0, as_bytes(descriptor));
  }

 private:
  std::size_t part_at(std::uint64_t offset) const {
    const auto after = std::ranges::upper_bound(starts_, offset);
    return static_cast<std::size_t>(after - starts_.begin()) - 1;
  }

  using PartCall = std::function<Result<void>(SparseFile&, vmlift::Extent, std::uint64_t done)>;
  Result<void> each_part(vmlift::Extent range, const PartCall& call) {
    std::uint64_t done = 0;
    for (std::size_t index = part_at(range.offset); done < range.length; ++index) {
      const std::uint64_t inside = range.offset + done - starts_[index];
      const std::uint64_t step = std::min(range.length - done, parts_[index]->bytes() - inside);
      VMLIFT_CHECK(call(*parts_[index], {inside, step}, done));
      done += step;
    }
    return {};
  }

  std::shared_ptr<TargetFile> file_;
  NewImage image_;
  std::vector<ListedExtent> layout_;
  std::vector<std::unique_ptr<SparseFile>> parts_;
  std::vector<std::uint64_t> starts_;
};

}  // namespace

Result<std::unique_ptr<DiskBackend>> create_sparse(std::shared_ptr<TargetFile> file,
                                                   const NewImage& image, const std::string& name) {
  std::vector<ListedExtent> layout;
  if (image.kind == Kind::monolithic_sparse) {
    VMLIFT_CHECK(require_plain_name(name));
    layout = {{image.sectors, ExtentLine::Type::sparse, name}};
  } else {
    VMLIFT_TRY(layout, extent_layout(image, name));
  }
  auto writer = std::make_unique<SparseWriter>(std::move(file), image, std::move(layout));
  VMLIFT_CHECK(writer->make_files());
  return writer;
}

}  // namespace vmlift::vmdk
