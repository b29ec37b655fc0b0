#include "formats/vmdk/stream_writer.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "codec/digest.hpp"
#include "formats/vmdk/descriptor_writer.hpp"
#include "formats/vmdk/grain_encoder.hpp"
#include "formats/vmdk/marker.hpp"
#include "formats/vmdk/sparse_header.hpp"

namespace vmlift::vmdk {
namespace {

// The layout of VMware's own writer: header, 20 sectors of descriptor, grains from sector 128.
constexpr std::uint64_t kDescriptorSector = 1;
constexpr std::uint64_t kDescriptorSectors = 20;
constexpr std::uint64_t kFirstGrainSector = 128;
constexpr std::uint32_t kTableEntries = 512;
constexpr std::uint64_t kGrainSectors = kGrainBytes / kSector;
// One write of the file: many grains, so that each is not a call of its own.
constexpr std::size_t kBuffer = 1 << 20;

class StreamWriter : public DiskBackend {
 public:
  StreamWriter(std::shared_ptr<TargetFile> file, const NewImage& image, std::string name)
      : file_(std::move(file)),
        image_(image),
        name_(std::move(name)),
        directory_(units_for(units_for(image.sectors, kGrainSectors), kTableEntries)),
        table_(kTableEntries),
        content_(DigestAlgorithm::sha256) {
    buffer_.reserve(kBuffer + 2 * kGrainBytes);
  }

  std::uint64_t size() const override { return image_.bytes(); }
  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.encoded_write = can.ascending = can.zero_initialised = true;
    return can;
  }
  Result<void> info(DiskInfo& info) const override {
    info.subformat = kind_name(image_.kind);
    info.unit_size = kGrainBytes;
    info.compressed = true;
    return {};
  }
  Result<void> read(std::uint64_t, std::span<std::byte>) override { return unreadable(); }
  Result<DiskExtent> extent(std::uint64_t, std::uint64_t) override { return unreadable(); }

  std::unique_ptr<UnitEncoder> encoder() const override {
    return std::make_unique<GrainEncoder>(image_);
  }

  Result<void> write_encoded(const EncodedUnit& unit) override {
    // A source may end inside a grain, before the disk does: the encoder has filled it up.
    if (unit.codec != Codec::deflate || !is_aligned(unit.guest.offset, kGrainBytes) ||
        unit.guest.length > kGrainBytes || !unit.adler32 || unit.payload.empty()) {
      return fail(ErrorCode::InvalidArgument, "a unit that an encoder of this disk did not make");
    }
    VMLIFT_CHECK(finish_pending());
    return add_grain(unit.guest.offset / kGrainBytes, unit.payload, *unit.adler32);
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    while (!buffer.empty()) {
      const std::uint64_t grain = offset / kGrainBytes;
      VMLIFT_CHECK(begin_pending(grain));
      const std::uint64_t skip = offset % kGrainBytes;
      const std::size_t step = std::min<std::size_t>(buffer.size(), kGrainBytes - skip);
      std::ranges::copy(buffer.first(step), pending_.begin() + static_cast<std::ptrdiff_t>(skip));
      buffer = buffer.subspan(step);
      offset += step;
    }
    return {};
  }

  /// What is not written is zero; only a grain that is not yet compressed can still change.
  Result<void> zero(vmlift::Extent extent) override {
    if (extent.offset / kGrainBytes < next_grain_) return not_ascending(extent.offset);
    const std::uint64_t start = pending_grain_ * kGrainBytes;
    if (pending_.empty() || extent.end() <= start || extent.offset >= start + kGrainBytes) {
      return {};
    }
    const std::uint64_t from = std::max(extent.offset, start) - start;
    const std::uint64_t to = std::min(extent.end() - start, kGrainBytes);
    std::ranges::fill(std::span(pending_).subspan(from, to - from), std::byte{0});
    return {};
  }
  Result<void> discard(vmlift::Extent extent) override { return zero(extent); }

  Result<void> complete() override {
    VMLIFT_CHECK(finish_pending());
    VMLIFT_CHECK(finish_table());
    append_marker(units_for(directory_.size() * 4, kSector), Marker::kGrainDirectory);
    const std::uint64_t directory = next_sector();
    append_entries(directory_);
    append_marker(1, Marker::kFooter);
    append(encode_sparse_header(header(directory)));
    append_marker(0, Marker::kEndOfStream);
    VMLIFT_CHECK(flush_buffer());
    VMLIFT_TRY(const std::string descriptor, describe());
    VMLIFT_CHECK(file_->write(kDescriptorSector * kSector, as_bytes(descriptor)));
    // Last, so that what was interrupted is no VMDK.
    return file_->write(0, encode_sparse_header(header(kDirectoryAtEnd)));
  }

 private:
  static std::unexpected<Error> unreadable() {
    return fail(ErrorCode::UnsupportedFeature,
                "a streamOptimized disk cannot be read before it is complete");
  }
  static std::unexpected<Error> not_ascending(std::uint64_t offset) {
    return std::unexpected(error(ErrorCode::InvalidArgument,
                                 "a streamOptimized disk is written in ascending order only")
                               .at(offset));
  }

  SparseHeader header(std::uint64_t directory) const {
    SparseHeader header;
    header.version = 3;
    header.flags = SparseHeader::kNewlineTest | SparseHeader::kCompressed | SparseHeader::kMarkers;
    header.capacity = image_.sectors;
    header.grain_size = kGrainSectors;
    header.descriptor_offset = kDescriptorSector;
    header.descriptor_size = kDescriptorSectors;
    header.table_entries = kTableEntries;
    header.directory = directory;
    header.overhead = kFirstGrainSector;
    header.algorithm = SparseHeader::kDeflate;
    return header;
  }

  Result<std::string> describe() {
    VMLIFT_TRY(const std::string digest, content_.finish());
    // The name is the one thing in it that may be long.
    const std::string shown =
        name_.size() <= 255 && require_plain_name(name_) ? name_ : "disk.vmdk";
    return write_descriptor(image_, {{image_.sectors, ExtentLine::Type::sparse, shown}},
                            ContentId::from_digest(digest));
  }

  // Plain writes: one grain is gathered until a later one begins.
  Result<void> begin_pending(std::uint64_t grain) {
    if (!pending_.empty() && pending_grain_ == grain) return {};
    VMLIFT_CHECK(finish_pending());
    if (grain < next_grain_) return not_ascending(grain * kGrainBytes);
    pending_.assign(kGrainBytes, std::byte{0});
    pending_grain_ = grain;
    return {};
  }

  Result<void> finish_pending() {
    if (pending_.empty()) return {};
    if (!all_zero(pending_)) {
      if (!own_encoder_) own_encoder_ = std::make_unique<GrainEncoder>(image_);
      VMLIFT_TRY(const EncodedUnit unit,
                 own_encoder_->encode(pending_grain_ * kGrainBytes, pending_));
      VMLIFT_CHECK(add_grain(pending_grain_, unit.payload, *unit.adler32));
    }
    pending_.clear();
    return {};
  }

  Result<void> add_grain(std::uint64_t grain, std::span<const std::byte> payload,
                         std::uint32_t checksum) {
    if (grain < next_grain_) return not_ascending(grain * kGrainBytes);
    const std::uint64_t table = grain / kTableEntries;
    if (table != table_index_) VMLIFT_CHECK(finish_table());
    table_index_ = table;
    VMLIFT_TRY(table_[grain % kTableEntries], sector_entry());
    next_grain_ = grain + 1;

    std::array<std::byte, kGrainMarkerSize + kZlibHeaderSize> head{};
    store_le<std::uint64_t>(head, 0, grain * kGrainSectors);
    store_le<std::uint32_t>(
        head, 8, static_cast<std::uint32_t>(kZlibHeaderSize + payload.size() + kZlibTrailerSize));
    store_be<std::uint16_t>(head, kGrainMarkerSize, 0x789c);  // 32 KiB window, default level
    std::array<std::byte, kZlibTrailerSize> trailer{};
    store_be<std::uint32_t>(trailer, 0, checksum);
    append(head);
    append(payload);
    append(trailer);
    pad();
    content_.update(std::span(head).first(8));
    content_.update(trailer);
    return buffer_.size() >= kBuffer ? flush_buffer() : Result<void>{};
  }

  Result<void> finish_table() {
    if (std::ranges::all_of(table_, [](std::uint32_t entry) { return entry == 0; })) return {};
    append_marker(kTableEntries * 4 / kSector, Marker::kGrainTable);
    VMLIFT_TRY(directory_[table_index_], sector_entry());
    append_entries(table_);
    std::ranges::fill(table_, 0);
    return {};
  }

  std::uint64_t next_sector() const { return (flushed_ + buffer_.size()) / kSector; }

  /// Where the next sector goes, as tables say it.
  Result<std::uint32_t> sector_entry() const {
    if (next_sector() > UINT32_MAX) {
      return fail(ErrorCode::UnsupportedFeature,
                  "the data does not fit into one VMDK file: its tables reach 2 TiB");
    }
    return static_cast<std::uint32_t>(next_sector());
  }

  void append(std::span<const std::byte> bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  void pad() { buffer_.resize(round_up(buffer_.size(), kSector)); }

  void append_marker(std::uint64_t sectors, Marker::Type type) {
    std::array<std::byte, kSector> marker{};
    store_le<std::uint64_t>(marker, 0, sectors);
    store_le<std::uint32_t>(marker, 12, type);
    append(marker);
  }
  void append_entries(const std::vector<std::uint32_t>& entries) {
    const std::size_t at = buffer_.size();
    buffer_.resize(round_up(at + entries.size() * 4, kSector));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      store_le<std::uint32_t>(buffer_, at + i * 4, entries[i]);
    }
  }

  Result<void> flush_buffer() {
    VMLIFT_CHECK(file_->write(flushed_, buffer_));
    flushed_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  std::shared_ptr<TargetFile> file_;
  NewImage image_;
  std::string name_;
  std::vector<std::uint32_t> directory_;
  std::vector<std::uint32_t> table_;
  std::uint64_t table_index_ = 0;
  std::uint64_t next_grain_ = 0;
  Digest content_;

  Bytes pending_;  // empty: no grain is being gathered
  std::uint64_t pending_grain_ = 0;
  std::unique_ptr<GrainEncoder> own_encoder_;

  Bytes buffer_;  // what comes at flushed_, whole sectors between calls
  std::uint64_t flushed_ = kFirstGrainSector * kSector;
};

}  // namespace

std::unique_ptr<DiskBackend> create_stream(std::shared_ptr<TargetFile> file, const NewImage& image,
                                           std::string name) {
  return std::make_unique<StreamWriter>(std::move(file), image, std::move(name));
}

}  // namespace vmlift::vmdk
