#include "formats/vmdk/cowd.hpp"

#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/sector.hpp"

namespace vmlift::vmdk {
namespace {

constexpr std::uint32_t kMagic = 0x44574f43;  // "COWD" as the bytes lie
constexpr std::size_t kHeaderSize = 2048;
constexpr std::uint64_t kTableEntries = 4096;
constexpr std::uint64_t kTableBytes = kTableEntries * 4;
constexpr std::uint32_t kMaxGrainSize = 1 << 15;  // 16 MiB; products write 1 to 128 sectors

struct Header {
  std::uint32_t version = 0;
  std::uint32_t capacity = 0;
  std::uint32_t grain_size = 0;
  std::uint32_t directory = 0;
  std::uint32_t directory_entries = 0;
  std::uint32_t next_free = 0;
};

class CowdMap : public GrainMap {
 public:
  CowdMap(std::shared_ptr<File> file, std::uint64_t file_size, const Header& header,
          std::vector<std::uint32_t> directory)
      : GrainMap(std::move(file), file_size,
                 {.capacity = header.capacity * kSector,
                  .grain_bytes = header.grain_size * kSector,
                  .grains_per_table = kTableEntries}),
        directory_(std::move(directory)),
        next_free_(header.next_free) {
    std::vector<Extent> places = {
        {0, kHeaderSize}, {header.directory * kSector, round_up(directory_.size() * 4, kSector)}};
    for (const std::uint32_t sector : directory_) {
      if (sector != 0 && fits(sector)) places.push_back({sector * kSector, kTableBytes});
    }
    std::ranges::sort(places, {}, &Extent::offset);
    for (const Extent& place : places) add_metadata(place);
  }

  Result<std::uint64_t> next_table(std::uint64_t index) override {
    while (index < directory_.size() && directory_[index] == 0) ++index;
    return std::min<std::uint64_t>(index, geometry().table_count());
  }

  Result<std::uint64_t> leaked(std::uint64_t stored) override {
    // Behind the next free sector the file may have grown ahead of its use.
    const std::uint64_t used = next_free_ == 0 ? file_size() : next_free_ * kSector;
    return unused_room({0, std::min(file_size(), used)}, stored);
  }

 private:
  bool fits(std::uint32_t sector) const {
    return within(sector * kSector, kTableBytes, file_size());
  }

  Result<GrainTablePtr> load(std::uint64_t index) override {
    if (directory_[index] == 0) return GrainTablePtr();
    const std::uint64_t offset = directory_[index] * kSector;
    if (!fits(directory_[index])) {
      return std::unexpected(
          error(ErrorCode::Truncated, "grain table {} lies past the file's end", index)
              .at(offset)
              .in(file_->path()));
    }
    std::vector<std::byte> raw(kTableBytes);
    VMLIFT_CHECK(file_->read(offset, raw));
    const std::uint64_t first = index * kTableEntries;
    auto table = std::make_shared<GrainTable>(
        std::min<std::uint64_t>(kTableEntries, geometry().grain_count() - first));
    for (std::size_t i = 0; i < table->size(); ++i) {
      const auto sector = load_le<std::uint32_t>(raw, i * 4);
      if (sector != 0) (*table)[i] = place(first + i, sector * kSector);
    }
    return GrainTablePtr(std::move(table));
  }

  std::vector<std::uint32_t> directory_;
  std::uint32_t next_free_;
};

Result<Header> read_header(const File& file, const Limits& limits) {
  std::array<std::byte, kHeaderSize> raw{};
  VMLIFT_CHECK(file.read(0, raw));
  if (!is_cowd(raw)) {
    return fail(ErrorCode::BadHeader, "no vmfsSparse extent: it does not start with 'COWD'");
  }
  Header header;
  header.version = load_le<std::uint32_t>(raw, 4);
  header.capacity = load_le<std::uint32_t>(raw, 12);
  header.grain_size = load_le<std::uint32_t>(raw, 16);
  header.directory = load_le<std::uint32_t>(raw, 20);
  header.directory_entries = load_le<std::uint32_t>(raw, 24);
  header.next_free = load_le<std::uint32_t>(raw, 28);
  if (header.version != 1) {
    return fail(ErrorCode::UnsupportedVersion, "COWD version {}; known is 1", header.version);
  }
  if (header.grain_size == 0 || header.grain_size > kMaxGrainSize) {
    return fail(ErrorCode::BadHeader, "a grain size of {} sectors", header.grain_size);
  }
  if (header.capacity * kSector > limits.virtual_size) {
    return fail(ErrorCode::Limit, "the extent claims {} sectors", header.capacity);
  }
  return header;
}

}  // namespace

bool is_cowd(std::span<const std::byte> head) {
  return head.size() >= 4 && load_le<std::uint32_t>(head) == kMagic;
}

Result<std::string> cowd_parent_name(const File& file) {
  constexpr std::uint64_t kName = 32;
  std::array<std::byte, 1024> raw{};
  VMLIFT_CHECK(file.read(kName, raw));
  const std::string_view text = as_text(raw);
  const std::string_view name = text.substr(0, text.find('\0'));
  return std::string(name.ends_with(".vmdk") ? name : std::string_view());
}

Result<std::unique_ptr<GrainMap>> open_cowd_map(std::shared_ptr<File> file, const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  VMLIFT_TRY(const Header header, read_header(*file, limits));
  const std::uint64_t tables =
      units_for(units_for(header.capacity, header.grain_size), kTableEntries);
  const std::uint64_t offset = header.directory * kSector;
  if (header.directory_entries < tables || offset < kHeaderSize) {
    return fail(ErrorCode::BadHeader, "a grain directory of {} entries at byte {}, needed are {}",
                header.directory_entries, offset, tables);
  }
  if (tables * 4 > limits.metadata) {
    return fail(ErrorCode::Limit, "the grain directory needs {} bytes", tables * 4);
  }
  if (!within(offset, tables * 4, file_size)) {
    return std::unexpected(
        error(ErrorCode::Truncated, "the grain directory lies past the file's end").at(offset));
  }
  std::vector<std::byte> raw(tables * 4);
  VMLIFT_CHECK(file->read(offset, raw));
  std::vector<std::uint32_t> directory(tables);
  for (std::size_t i = 0; i < tables; ++i) directory[i] = load_le<std::uint32_t>(raw, i * 4);
  return std::make_unique<CowdMap>(std::move(file), file_size, header, std::move(directory));
}

}  // namespace vmlift::vmdk
