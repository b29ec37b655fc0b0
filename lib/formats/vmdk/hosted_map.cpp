#include "formats/vmdk/hosted_map.hpp"

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/marker.hpp"
#include "formats/vmdk/marker_walk.hpp"

namespace vmlift::vmdk {
namespace {

using Directory = std::vector<std::uint32_t>;

/// Reads a directory at `sector`. Errors: Truncated, BadHeader.
Result<Directory> read_directory(const File& file, std::uint64_t file_size,
                                 const SparseHeader& header, std::uint64_t sector) {
  const std::uint64_t length = header.table_count() * 4;
  const auto offset = sectors_to_bytes(sector);
  if (!offset || *offset == 0) {
    return fail(ErrorCode::BadHeader, "the grain directory at sector {} cannot be", sector);
  }
  if (!within(*offset, length, file_size)) {
    return std::unexpected(error(ErrorCode::Truncated,
                                 "the grain directory of {} bytes lies past the file's end", length)
                               .at(*offset));
  }
  Directory directory(header.table_count());
  VMLIFT_CHECK(file.read(*offset, std::as_writable_bytes(std::span(directory))));
  for (std::uint32_t& entry : directory) {
    entry = load_le<std::uint32_t>(std::as_bytes(std::span(&entry, 1)));
  }
  return directory;
}

class HostedMap : public GrainMap {
 public:
  HostedMap(std::shared_ptr<File> file, std::uint64_t file_size, const SparseHeader& header,
            Directory directory)
      : GrainMap(std::move(file), file_size,
                 {.capacity = header.capacity_bytes(),
                  .grain_bytes = header.grain_bytes(),
                  .grains_per_table = header.table_entries,
                  .compressed = header.compressed()}),
        header_(header),
        directory_(std::move(directory)) {}

  void lost_directory() { warn("the grain directory cannot be read; the redundant one was used"); }

  /// Takes the redundant directory where the first one is damaged, and notes what is metadata.
  void prepare() {
    if (header_.has(SparseHeader::kRedundantDirectory) && header_.redundant_directory != 0 &&
        header_.redundant_directory != header_.directory) {
      repair();
    }
    note_metadata();
  }

  Result<std::uint64_t> next_table(std::uint64_t index) override {
    const std::uint64_t count = directory_.size();
    while (index < count) {
      if (directory_[index] == 0) {
        ++index;
        continue;
      }
      const auto found = table(index);
      if (!found || *found) return index;  // an error is met again by whoever asks for the table
      VMLIFT_TRY(const std::uint64_t empty, empty_tables(index));
      index += empty;
    }
    return count;
  }

  Result<std::uint64_t> leaked(std::uint64_t stored) override {
    if (header_.compressed()) {
      VMLIFT_TRY(const std::uint64_t found, count_markers());
      return found - std::min(found, stored);
    }
    // The header's overhead covers the tables that are written first, the redundant ones too.
    const std::uint64_t begin = std::min(file_size(), header_.overhead * kSector);
    return unused_room({begin, file_size() - begin}, stored);
  }

 private:
  /// Grains of a stream, whoever points to them.
  Result<std::uint64_t> count_markers() const {
    MarkerWalk walk(*file_, header_);
    for (std::uint64_t found = 0;; ++found) {
      VMLIFT_TRY(const auto grain, walk.next());
      if (!grain) return found;
    }
  }

  Result<GrainTablePtr> load(std::uint64_t index) override {
    const std::uint32_t sector = directory_[index];
    if (sector == 0) return GrainTablePtr();
    auto table = read_table(index, sector);
    if (table && sound(*table)) return table;
    if (const std::uint32_t copy = redundant_entry(index); copy != 0 && copy != sector) {
      auto second = read_table(index, copy);
      if (second && sound(*second)) {
        warn(fmt::format("grain table {} is damaged; its redundant copy was used", index));
        return second;
      }
    }
    return table;
  }

  Result<GrainTablePtr> read_table(std::uint64_t index, std::uint32_t sector) const {
    const std::uint64_t offset = sector * kSector;
    if (!table_fits(sector)) {
      return std::unexpected(
          error(ErrorCode::Truncated, "grain table {} lies past the file's end", index)
              .at(offset)
              .in(file_->path()));
    }
    std::vector<std::byte> raw(header_.table_bytes());
    VMLIFT_CHECK(file_->read(offset, raw));
    if (all_zero(raw)) return GrainTablePtr();
    const std::uint64_t first = index * header_.table_entries;
    const std::uint64_t present =
        std::min<std::uint64_t>(header_.table_entries, geometry().grain_count() - first);
    auto table = std::make_shared<GrainTable>(present);
    for (std::uint64_t i = 0; i < present; ++i) {
      (*table)[i] = decode(first + i, load_le<std::uint32_t>(raw, i * 4));
    }
    return GrainTablePtr(std::move(table));
  }

  Grain decode(std::uint64_t grain, std::uint32_t entry) const {
    if (entry == 0) return {};
    if (entry == 1) {
      return {.offset = kSector,
              .kind = header_.has(SparseHeader::kZeroGrains) ? Grain::Kind::zero
                                                             : Grain::Kind::malformed};
    }
    return place(grain, entry * kSector);
  }

  /// A null table (all zeros) is sound: nothing is allocated there.
  static bool sound(const GrainTablePtr& table) {
    return !table || std::ranges::all_of(*table, [](const Grain& grain) {
      return grain.kind <= Grain::Kind::stored;
    });
  }

  /// How many tables from `index` on are known to be empty without reading them, itself included:
  /// most writers lay out all tables when they create the file, and those never used are a hole.
  Result<std::uint64_t> empty_tables(std::uint64_t index) {
    const std::uint64_t offset = directory_[index] * kSector;
    const std::uint64_t length = tables_beside(index) * header_.table_bytes();
    std::lock_guard lock(holes_);
    // Finding where data ends costs the kernel a walk over its pages: once is enough.
    if (offset >= known_data_.offset && offset < known_data_.end()) return 1;
    VMLIFT_TRY(const File::Run run, file_->run(offset, length));
    if (!run.hole) {
      known_data_ = {offset, run.length};
      return 1;
    }
    return std::max<std::uint64_t>(1, run.length / header_.table_bytes());
  }

  /// How many tables from `index` on lie one behind the other in the file.
  std::uint64_t tables_beside(std::uint64_t index) const {
    constexpr std::uint64_t kMost = 4096;  // bounds the scan where holes are short
    const std::uint64_t end = std::min<std::uint64_t>(directory_.size(), index + kMost);
    std::uint64_t beside = 1;
    while (index + beside < end && table_fits(directory_[index + beside]) &&
           directory_[index + beside] * kSector ==
               directory_[index] * kSector + beside * header_.table_bytes()) {
      ++beside;
    }
    return beside;
  }

  bool table_fits(std::uint32_t sector) const {
    return within(sector * kSector, header_.table_bytes(), file_size());
  }

  std::uint32_t redundant_entry(std::uint64_t index) const {
    if (!header_.has(SparseHeader::kRedundantDirectory)) return 0;
    const auto place = sectors_to_bytes(header_.redundant_directory);
    std::array<std::byte, 4> entry{};
    if (!place || !within(*place, header_.table_count() * 4, file_size()) ||
        !file_->read(*place + index * 4, entry)) {
      return 0;
    }
    return load_le<std::uint32_t>(entry);
  }

  void repair() {
    const bool damaged = std::ranges::any_of(
        directory_, [&](std::uint32_t entry) { return entry == 0 || !table_fits(entry); });
    if (!damaged) return;
    const auto copy = read_directory(*file_, file_size(), header_, header_.redundant_directory);
    if (!copy) return;
    std::uint64_t repaired = 0;
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      const bool bad = directory_[i] == 0 || !table_fits(directory_[i]);
      if (bad && (*copy)[i] != 0 && table_fits((*copy)[i])) {
        directory_[i] = (*copy)[i];
        ++repaired;
      }
    }
    if (repaired != 0) {
      warn(
          fmt::format("{} entries of the grain directory are damaged; the redundant directory "
                      "was used",
                      repaired));
    }
  }

  void note_metadata() {
    std::vector<Extent> places = {{0, kSector}};
    const auto add = [&](std::uint64_t sector, std::uint64_t length) {
      const auto offset = sectors_to_bytes(sector);
      if (sector != 0 && offset && within(*offset, length, file_size())) {
        places.push_back({*offset, length});
      }
    };
    if (const auto length = sectors_to_bytes(header_.descriptor_size)) {
      add(header_.descriptor_offset, *length);
    }
    add(header_.directory, header_.table_count() * 4);
    if (header_.has(SparseHeader::kRedundantDirectory)) {
      add(header_.redundant_directory, header_.table_count() * 4);
    }
    // Neighbouring tables become one extent at once: there may be millions.
    for (const std::uint32_t sector : directory_) {
      if (sector == 0 || !table_fits(sector)) continue;
      const Extent table{sector * kSector, header_.table_bytes()};
      if (places.back().end() == table.offset) {
        places.back().length += table.length;
      } else {
        places.push_back(table);
      }
    }
    std::ranges::sort(places, {}, &Extent::offset);
    for (const Extent& place : places) add_metadata(place);
  }

  SparseHeader header_;
  Directory directory_;
  std::mutex holes_;
  Extent known_data_;
};

}  // namespace

Result<std::unique_ptr<GrainMap>> open_hosted_map(std::shared_ptr<File> file,
                                                  const SparseHeader& header,
                                                  const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  if (header.table_count() * 4 > limits.metadata) {
    return fail(ErrorCode::Limit, "the grain directory needs {} bytes, allowed are {}",
                header.table_count() * 4, limits.metadata);
  }
  SparseHeader used = header;
  auto directory = read_directory(*file, file_size, header, header.directory);
  bool lost = false;
  if (!directory && header.has(SparseHeader::kRedundantDirectory) &&
      header.redundant_directory != 0) {
    auto copy = read_directory(*file, file_size, header, header.redundant_directory);
    if (copy) {
      directory = std::move(copy);
      used.directory = header.redundant_directory;
      lost = true;
    }
  }
  if (!directory) return std::unexpected(std::move(directory).error().in(file->path()));
  auto map = std::make_unique<HostedMap>(std::move(file), file_size, used, *std::move(directory));
  if (lost) map->lost_directory();
  map->prepare();
  return map;
}

Result<void> read_footer(const File& file, SparseHeader& header, const Limits& limits) {
  // The footer is followed by the end-of-stream marker alone, but files that went through an
  // archive or a block device carry padding behind it.
  constexpr std::uint64_t kTail = 256 * kSector;
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  const std::uint64_t end = round_down(file_size, kSector);
  const std::uint64_t begin = end - std::min(end, kTail);
  std::vector<std::byte> tail(end - begin);
  VMLIFT_CHECK(file.read(begin, tail));
  for (std::size_t at = tail.size(); at >= 2 * kSector; at -= kSector) {
    const auto marker = Marker::parse(std::span(tail).subspan(at - 2 * kSector, kSector));
    const auto footer_bytes = std::span(tail).subspan(at - kSector, kSector);
    if (marker.size != 0 || marker.type != Marker::kFooter || !is_sparse_header(footer_bytes)) {
      continue;
    }
    const std::uint64_t place = begin + at - kSector;
    auto footer = parse_sparse_header(footer_bytes, limits);
    if (!footer) {
      return std::unexpected(std::move(footer).error().during("reading the footer").at(place));
    }
    if (footer->directory == kDirectoryAtEnd) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "the footer says that the grain directory is in the footer")
              .at(place));
    }
    if (footer->capacity != header.capacity || footer->grain_size != header.grain_size ||
        footer->table_entries != header.table_entries || footer->algorithm != header.algorithm) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "header and footer disagree about the disk").at(place));
    }
    header.directory = footer->directory;
    header.redundant_directory = footer->redundant_directory;
    header.flags = footer->flags;
    return {};
  }
  return std::unexpected(
      error(ErrorCode::Truncated,
            "the header promises a grain directory at the end, and the file has no footer")
          .at(end));
}

}  // namespace vmlift::vmdk
