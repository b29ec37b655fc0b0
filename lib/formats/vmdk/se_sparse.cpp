#include "formats/vmdk/se_sparse.hpp"

#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/sector.hpp"

namespace vmlift::vmdk {
namespace {

constexpr std::uint64_t kConstMagic = 0xcafebabe;
constexpr std::uint64_t kVolatileMagic = 0xcafecafe;
constexpr std::uint64_t kVersion = 0x0000000200000001;
constexpr std::uint64_t kGrainSectors = 8;
constexpr std::uint64_t kTableSectors = 64;
constexpr std::uint64_t kTableBytes = kTableSectors * kSector;
constexpr std::uint64_t kTableEntries = kTableBytes / 8;

// Directory entries: nothing, or this tag over the table's number.
constexpr std::uint64_t kTableTag = 0x1000000000000000;

// Where the parts of the file are, in sectors.
struct Layout {
  std::uint64_t capacity = 0;
  std::uint64_t volatile_header = 0;
  std::uint64_t directory = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t tables = 0;
  std::uint64_t tables_size = 0;
  std::uint64_t grains = 0;
};

class SeSparseMap : public GrainMap {
 public:
  /// `directory` holds table numbers plus one, 0 for none: half the room of the file's entries.
  SeSparseMap(std::shared_ptr<File> file, std::uint64_t file_size, const Layout& layout,
              std::vector<std::uint32_t> directory)
      : GrainMap(std::move(file), file_size,
                 {.capacity = layout.capacity * kSector,
                  .grain_bytes = kGrainSectors * kSector,
                  .grains_per_table = kTableEntries}),
        layout_(layout),
        directory_(std::move(directory)) {
    add_metadata({0, layout.grains * kSector});
  }

  Result<std::uint64_t> next_table(std::uint64_t index) override {
    while (index < directory_.size() && directory_[index] == 0) ++index;
    return index;
  }

 private:
  Result<GrainTablePtr> load(std::uint64_t index) override {
    if (directory_[index] == 0) return GrainTablePtr();
    const std::uint64_t number = directory_[index] - 1;
    const std::uint64_t sector = layout_.tables + number * kTableSectors;
    if (!within(number * kTableSectors, kTableSectors, layout_.tables_size)) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "grain table {} is number {}, past the last one", index, number)
              .in(file_->path()));
    }
    if (!within(sector * kSector, kTableBytes, file_size())) {
      return std::unexpected(
          error(ErrorCode::Truncated, "grain table {} lies past the file's end", index)
              .at(sector * kSector)
              .in(file_->path()));
    }
    std::vector<std::byte> raw(kTableBytes);
    VMLIFT_CHECK(file_->read(sector * kSector, raw));
    const std::uint64_t first = index * kTableEntries;
    auto table = std::make_shared<GrainTable>(
        std::min<std::uint64_t>(kTableEntries, geometry().grain_count() - first));
    for (std::size_t i = 0; i < table->size(); ++i) {
      (*table)[i] = decode(first + i, load_le<std::uint64_t>(raw, i * 8));
    }
    return GrainTablePtr(std::move(table));
  }

  Grain decode(std::uint64_t grain, std::uint64_t entry) const {
    constexpr std::uint64_t kHigh = 0x0fff000000000000;
    constexpr std::uint64_t kLow = 0x0000ffffffffffff;
    switch (entry >> 60) {
      case 0:
        return {.offset = 0, .kind = entry == 0 ? Grain::Kind::absent : Grain::Kind::malformed};
      case 1:  // unmapped by the guest: zeros, and never the parent's old bytes
      case 2:
        return {.offset = 0, .kind = Grain::Kind::zero};
      case 3: {
        // The grain's number is stored with its low 12 bits on top.
        const std::uint64_t number = ((entry & kHigh) >> 48) | ((entry & kLow) << 12);
        const auto sectors = checked_multiply(number, kGrainSectors);
        const auto sector = sectors ? checked_add(*sectors, layout_.grains) : std::nullopt;
        const auto offset = sector ? sectors_to_bytes(*sector) : std::nullopt;
        constexpr std::uint64_t kAddressable = (std::uint64_t{1} << 56) - 1;
        if (!offset || *offset > kAddressable) {
          return {.offset = kAddressable, .kind = Grain::Kind::beyond};
        }
        return place(grain, *offset);
      }
      default:
        return {.offset = 0, .kind = Grain::Kind::malformed};
    }
  }

  Layout layout_;
  std::vector<std::uint32_t> directory_;
};

Result<Layout> read_layout(const File& file, const Limits& limits) {
  std::array<std::byte, kSector> raw{};
  VMLIFT_CHECK(file.read(0, raw));
  const auto field = [&](std::size_t index) { return load_le<std::uint64_t>(raw, index * 8); };
  if (!is_se_sparse(raw)) return fail(ErrorCode::BadHeader, "no seSparse extent: wrong magic");
  if (field(1) != kVersion) {
    return fail(ErrorCode::UnsupportedVersion, "seSparse version {:#x}; known is 2.1", field(1));
  }
  if (field(3) != kGrainSectors || field(4) != kTableSectors) {
    return fail(ErrorCode::UnsupportedVersion,
                "grains of {} sectors in tables of {} sectors; known are 8 and 64", field(3),
                field(4));
  }
  if (field(5) != 0 || field(6) != 0 || field(7) != 0 || field(8) != 0 || field(9) != 0) {
    return fail(ErrorCode::UnsupportedVersion, "the header has unknown flags {:#x}", field(5));
  }
  Layout layout;
  layout.capacity = field(2);
  layout.volatile_header = field(10);
  layout.directory = field(16);
  layout.directory_size = field(17);
  layout.tables = field(18);
  layout.tables_size = field(19);
  layout.grains = field(24);
  const auto capacity = sectors_to_bytes(layout.capacity);
  if (!capacity || *capacity > limits.virtual_size) {
    return fail(ErrorCode::Limit, "the extent claims {} sectors", layout.capacity);
  }
  for (const std::uint64_t sectors :
       {layout.volatile_header, layout.directory, layout.directory_size, layout.tables,
        layout.tables_size, layout.grains}) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 46;
    if (sectors == 0 || sectors > kMost) {
      return fail(ErrorCode::BadHeader, "a part of the file at sector {}", sectors);
    }
  }
  return layout;
}

Result<void> require_clean_journal(const File& file, const Layout& layout) {
  std::array<std::byte, kSector> raw{};
  VMLIFT_CHECK(file.read(layout.volatile_header * kSector, raw));
  if (load_le<std::uint64_t>(raw, 0) != kVolatileMagic) {
    return fail(ErrorCode::BadHeader, "the volatile header has a wrong magic");
  }
  if (load_le<std::uint64_t>(raw, 24) != 0) {
    return fail(ErrorCode::UnsupportedFeature,
                "the extent was not closed cleanly and its journal has to be replayed; power the "
                "machine on and off, or consolidate its snapshots, on ESXi first");
  }
  return {};
}

}  // namespace

bool is_se_sparse(std::span<const std::byte> head) {
  return head.size() >= 8 && load_le<std::uint64_t>(head) == kConstMagic;
}

Result<std::unique_ptr<GrainMap>> open_se_sparse_map(std::shared_ptr<File> file,
                                                     const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  VMLIFT_TRY(const Layout layout, read_layout(*file, limits));
  VMLIFT_CHECK(require_clean_journal(*file, layout));
  const std::uint64_t tables = units_for(units_for(layout.capacity, kGrainSectors), kTableEntries);
  if (tables * 8 > layout.directory_size * kSector) {
    return fail(ErrorCode::BadHeader, "a grain directory of {} sectors, needed are {} bytes",
                layout.directory_size, tables * 8);
  }
  if (tables * 4 > limits.metadata) {
    return fail(ErrorCode::Limit, "the grain directory needs {} bytes", tables * 4);
  }
  if (!within(layout.directory * kSector, tables * 8, file_size)) {
    return std::unexpected(
        error(ErrorCode::Truncated, "the grain directory lies past the file's end")
            .at(layout.directory * kSector));
  }
  std::vector<std::uint32_t> directory(tables);
  std::vector<std::byte> raw(std::min<std::uint64_t>(tables * 8, 1 << 20));
  for (std::uint64_t done = 0; done < tables;) {
    const std::uint64_t count = std::min<std::uint64_t>(raw.size() / 8, tables - done);
    VMLIFT_CHECK(
        file->read(layout.directory * kSector + done * 8, std::span(raw).first(count * 8)));
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto entry = load_le<std::uint64_t>(raw, i * 8);
      if (entry == 0) continue;
      const std::uint64_t number = entry & 0xffffffff;
      if ((entry & 0xffffffff00000000) != kTableTag || number == 0xffffffff) {
        return std::unexpected(
            error(ErrorCode::Corrupt, "grain directory entry {} is {:#x}", done + i, entry)
                .at(layout.directory * kSector + (done + i) * 8));
      }
      directory[done + i] = static_cast<std::uint32_t>(number + 1);
    }
    done += count;
  }
  return std::make_unique<SeSparseMap>(std::move(file), file_size, layout, std::move(directory));
}

}  // namespace vmlift::vmdk
