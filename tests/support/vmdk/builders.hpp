// VMDK extents made byte by byte, the ones that QEMU cannot make and the wrong ones. Each
// builder says where it put things, so that a test can damage exactly one of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace vmlift::test {

void overwrite(std::string& image, std::uint64_t offset, std::string_view bytes);

/// Overwrites a little-endian number inside a built image.
template <class T>
void poke(std::string& image, std::uint64_t offset, T value) {
  std::array<std::byte, sizeof(T)> bytes{};
  store_le<T>(bytes, 0, value);
  overwrite(image, offset, as_text(bytes));
}

/// A hosted sparse extent ("KDMV"): monolithicSparse, a part of a split disk, or a stream.
struct HostedSparse {
  // The header, as it will stand there.
  std::uint32_t version = 1;
  std::uint32_t flags = 1;
  std::uint64_t capacity = 2048;   ///< sectors
  std::uint64_t grain_size = 128;  ///< sectors
  std::uint32_t table_entries = 512;
  std::uint16_t algorithm = 0;
  std::string descriptor;  ///< empty: none is embedded
  bool redundant = false;  ///< a second directory with tables of its own
  bool footer = false;     ///< the directory's place stands in the footer only
  std::string padding;     ///< behind the end of a stream
  /// By grain: the plain bytes, or for a compressed extent what is to be deflated.
  std::map<std::uint64_t, std::string> grains;
  /// By grain: a table entry that has no data (1: zeros).
  std::map<std::uint64_t, std::uint32_t> entries;

  struct Built {
    std::string image;
    std::uint64_t directory = 0;  ///< bytes, like all of these
    std::uint64_t redundant_directory = 0;
    std::map<std::uint64_t, std::uint64_t> tables;
    std::map<std::uint64_t, std::uint64_t> redundant_tables;
    std::map<std::uint64_t, std::uint64_t> grain_places;  ///< a compressed grain's marker
    std::uint64_t footer = 0;

    /// Where the entry of a grain stands.
    std::uint64_t entry_of(std::uint64_t grain, std::uint32_t per_table = 512) const {
      return tables.at(grain / per_table) + grain % per_table * 4;
    }
  };
  Built build() const;

  /// The settings of a stream: header version 3, compressed, with markers.
  HostedSparse& stream() {
    version = 3;
    flags = 0x30001;
    algorithm = 1;
    return *this;
  }
};

/// A COWD extent, as ESX writes its deltas.
struct Cowd {
  std::uint32_t version = 1;
  std::uint32_t capacity = 2048;
  std::uint32_t grain_size = 1;
  std::string parent_name;
  std::map<std::uint64_t, std::string> grains;

  struct Built {
    std::string image;
    std::uint64_t directory = 0;
    std::map<std::uint64_t, std::uint64_t> tables;
    std::map<std::uint64_t, std::uint64_t> grain_places;
  };
  Built build() const;
};

/// A seSparse extent, as ESXi writes its deltas.
struct SeSparse {
  enum Mark : std::uint64_t { kUnmapped = 1, kZero = 2 };
  std::uint64_t capacity = 65536;
  bool dirty_journal = false;
  std::map<std::uint64_t, std::string> grains;  ///< 4 KiB each
  std::map<std::uint64_t, Mark> marks;

  struct Built {
    std::string image;
    std::uint64_t directory = 0;
    std::uint64_t tables = 0;
    std::uint64_t grains = 0;
  };
  Built build() const;
};

/// A descriptor: `extents` are whole lines.
std::string vmdk_descriptor(std::string_view create_type, std::string_view extents,
                            std::string_view parent_cid = "ffffffff",
                            std::string_view parent_hint = "", std::string_view cid = "11223344");

}  // namespace vmlift::test
