#include "support/vmdk/builders.hpp"

#include <fmt/format.h>

#include <vector>

#include "codec/deflate.hpp"

namespace vmlift::test {
namespace {

constexpr std::uint64_t kSector = 512;

/// Grows a file sector by sector.
class Image {
 public:
  /// The place of the next sector.
  std::uint64_t next() const { return text_.size(); }
  std::uint64_t next_sector() const { return text_.size() / kSector; }

  std::uint64_t append(std::string_view bytes) {
    const std::uint64_t place = next();
    text_ += bytes;
    text_.resize((text_.size() + kSector - 1) / kSector * kSector);
    return place;
  }
  std::uint64_t reserve(std::uint64_t bytes) { return append(std::string(bytes, '\0')); }
  void align(std::uint64_t bytes) { text_.resize((text_.size() + bytes - 1) / bytes * bytes); }

  template <class T>
  void put(std::uint64_t offset, T value) {
    poke<T>(text_, offset, value);
  }
  void put_text(std::uint64_t offset, std::string_view bytes) { overwrite(text_, offset, bytes); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string number_bytes(std::uint64_t value, unsigned width) {
  std::string bytes;
  for (unsigned i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string header_of(const HostedSparse& extent, std::uint64_t directory, std::uint64_t redundant,
                      std::uint64_t descriptor_sectors) {
  std::string header = "KDMV";
  header += number_bytes(extent.version, 4) + number_bytes(extent.flags, 4);
  header += number_bytes(extent.capacity, 8) + number_bytes(extent.grain_size, 8);
  header += number_bytes(descriptor_sectors == 0 ? 0 : 1, 8);
  header += number_bytes(descriptor_sectors, 8) + number_bytes(extent.table_entries, 4);
  header += number_bytes(redundant, 8) + number_bytes(directory, 8) + number_bytes(128, 8);
  header += std::string(1, '\0') + "\n \r\n" + number_bytes(extent.algorithm, 2);
  header.resize(kSector);
  return header;
}

std::string marker(std::uint64_t sectors, std::uint32_t type) {
  return number_bytes(sectors, 8) + number_bytes(0, 4) + number_bytes(type, 4);
}

std::string deflated_grain(std::uint64_t lba, std::string_view plain) {
  Bytes packed(deflate_bound(plain.size()));
  const auto bytes = as_bytes(plain);
  packed.resize(*Deflater(6).deflate_zlib(bytes, adler32(bytes), packed));
  return number_bytes(lba, 8) + number_bytes(packed.size(), 4) + std::string(as_text(packed));
}

}  // namespace

void overwrite(std::string& image, std::uint64_t offset, std::string_view bytes) {
  image.replace(offset, bytes.size(), bytes);
}

HostedSparse::Built HostedSparse::build() const {
  const bool compressed = algorithm != 0;
  const std::uint64_t per_table = grain_size * table_entries;
  const std::uint64_t table_count = (capacity + per_table - 1) / per_table;
  Built built;
  Image image;
  image.reserve(kSector);
  if (!descriptor.empty()) image.append(descriptor);
  const std::uint64_t descriptor_sectors = image.next_sector() - 1;

  const auto lay_out = [&](std::map<std::uint64_t, std::uint64_t>& tables) {
    const std::uint64_t directory = image.reserve(table_count * 4);
    for (std::uint64_t i = 0; i < table_count; ++i) {
      tables[i] = image.reserve(std::uint64_t{table_entries} * 4);
      image.put<std::uint32_t>(directory + i * 4, static_cast<std::uint32_t>(tables[i] / kSector));
    }
    return directory;
  };
  if (!footer) {
    if (redundant) built.redundant_directory = lay_out(built.redundant_tables);
    built.directory = lay_out(built.tables);
  }
  image.align(128 * kSector);

  std::map<std::uint64_t, std::uint32_t> all = entries;
  for (const auto& [grain, plain] : grains) {
    if (!compressed) image.align(grain_size * kSector);
    built.grain_places[grain] = image.next();
    all[grain] = static_cast<std::uint32_t>(image.next_sector());
    if (compressed) {
      image.append(deflated_grain(grain * grain_size, plain));
    } else {
      image.append(plain);
    }
  }
  if (footer) {
    // As a stream has it: tables with grains only, each behind its marker.
    std::vector<std::uint32_t> directory(table_count);
    for (std::uint64_t i = 0; i < table_count; ++i) {
      const auto first = all.lower_bound(i * table_entries);
      if (first == all.end() || first->first >= (i + 1) * table_entries) continue;
      image.append(marker(table_entries * 4 / kSector, 1));
      built.tables[i] = image.reserve(std::uint64_t{table_entries} * 4);
      directory[i] = static_cast<std::uint32_t>(built.tables[i] / kSector);
    }
    image.append(marker((table_count * 4 + kSector - 1) / kSector, 2));
    built.directory = image.reserve(table_count * 4);
    for (std::uint64_t i = 0; i < table_count; ++i) {
      image.put<std::uint32_t>(built.directory + i * 4, directory[i]);
    }
    image.append(marker(1, 3));
    built.footer = image.append(header_of(*this, built.directory / kSector, 0, descriptor_sectors));
  }
  if (compressed) image.reserve(kSector);  // the end-of-stream marker
  for (const auto& [grain, entry] : all) {
    const auto table = built.tables.find(grain / table_entries);
    if (table == built.tables.end()) continue;
    const std::uint64_t at = grain % table_entries * 4;
    image.put<std::uint32_t>(table->second + at, entry);
    if (redundant) image.put<std::uint32_t>(built.redundant_tables[table->first] + at, entry);
  }
  image.put_text(0, header_of(*this, footer ? ~std::uint64_t{0} : built.directory / kSector,
                              built.redundant_directory / kSector, descriptor_sectors));
  built.image = image.take() + padding;
  return built;
}

Cowd::Built Cowd::build() const {
  constexpr std::uint64_t kTableEntries = 4096;
  const std::uint64_t table_count =
      (capacity + grain_size * kTableEntries - 1) / (grain_size * kTableEntries);
  Built built;
  Image image;
  image.reserve(2048);
  built.directory = image.reserve(table_count * 4);
  image.put_text(0, "COWD" + number_bytes(version, 4) + number_bytes(3, 4) +
                        number_bytes(capacity, 4) + number_bytes(grain_size, 4) +
                        number_bytes(built.directory / kSector, 4) + number_bytes(table_count, 4));
  if (!parent_name.empty()) image.put_text(32, parent_name);
  for (const auto& [grain, plain] : grains) {
    const std::uint64_t index = grain / kTableEntries;
    if (!built.tables.contains(index)) {
      built.tables[index] = image.reserve(kTableEntries * 4);
      image.put<std::uint32_t>(built.directory + index * 4,
                               static_cast<std::uint32_t>(built.tables[index] / kSector));
    }
    const std::uint64_t place = image.append(plain);
    built.grain_places[grain] = place;
    image.put<std::uint32_t>(built.tables[index] + grain % kTableEntries * 4,
                             static_cast<std::uint32_t>(place / kSector));
  }
  image.put<std::uint32_t>(28, static_cast<std::uint32_t>(image.next_sector()));
  built.image = image.take();
  return built;
}

SeSparse::Built SeSparse::build() const {
  constexpr std::uint64_t kTableEntries = 4096;
  constexpr std::uint64_t kTableBytes = kTableEntries * 8;
  const std::uint64_t table_count = (capacity / 8 + kTableEntries - 1) / kTableEntries;
  Built built;
  Image image;
  image.reserve(kSector);
  const std::uint64_t volatile_header = image.reserve(kSector);
  const std::uint64_t journal_header = image.reserve(kSector);
  const std::uint64_t journal = image.reserve(8 * kSector);
  const std::uint64_t directory = image.reserve(table_count * 8);
  const std::uint64_t tables = image.reserve(table_count * kTableBytes);
  const std::uint64_t free_bitmap = image.reserve(kSector);
  const std::uint64_t backmap = image.reserve(kSector);
  const std::uint64_t grain_start = image.reserve(0);
  built.directory = directory;
  built.tables = tables;
  built.grains = grain_start;

  std::vector<std::uint64_t> fields = {0xcafebabe, 0x200000001, capacity, 8, 64, 0, 0, 0, 0, 0};
  const auto part = [&](std::uint64_t place, std::uint64_t end) {
    fields.push_back(place / kSector);
    fields.push_back((end - place) / kSector);
  };
  part(volatile_header, journal_header);
  part(journal_header, journal);
  part(journal, directory);
  part(directory, tables);
  part(tables, free_bitmap);
  part(free_bitmap, backmap);
  part(backmap, grain_start);
  part(grain_start, grain_start + grains.size() * 4096);
  for (std::size_t i = 0; i < fields.size(); ++i) image.put(i * 8, fields[i]);
  image.put<std::uint64_t>(volatile_header, 0xcafecafe);
  image.put<std::uint64_t>(volatile_header + 24, dirty_journal ? 1 : 0);

  // Tables are not in the order of the directory: the last one comes first.
  const auto table_place = [&](std::uint64_t index) {
    const std::uint64_t number = table_count - 1 - index;
    image.put<std::uint64_t>(directory + index * 8, 0x1000000000000000 | number);
    return tables + number * kTableBytes;
  };
  std::uint64_t number = 0;
  for (const auto& [grain, plain] : grains) {
    const std::uint64_t entry =
        (std::uint64_t{3} << 60) | ((number & 0xfff) << 48) | (number >> 12);
    image.put(table_place(grain / kTableEntries) + grain % kTableEntries * 8, entry);
    image.append(plain);
    ++number;
  }
  for (const auto& [grain, mark] : marks) {
    image.put(table_place(grain / kTableEntries) + grain % kTableEntries * 8,
              static_cast<std::uint64_t>(mark) << 60);
  }
  built.image = image.take();
  return built;
}

std::string vmdk_descriptor(std::string_view create_type, std::string_view extents,
                            std::string_view parent_cid, std::string_view parent_hint,
                            std::string_view cid) {
  std::string text =
      fmt::format("# Disk DescriptorFile\nversion=1\nCID={}\nparentCID={}\ncreateType=\"{}\"\n",
                  cid, parent_cid, create_type);
  if (!parent_hint.empty()) text += fmt::format("parentFileNameHint=\"{}\"\n", parent_hint);
  return text +
         fmt::format("\n# Extent description\n{}\n\nddb.adapterType = \"lsilogic\"\n", extents);
}

}  // namespace vmlift::test
