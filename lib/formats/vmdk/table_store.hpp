// The grain tables of a sparse extent under construction. All of them have their place in the
// file from the start; those in use lately are in memory, so that a disk of any size needs little.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/file.hpp"

namespace vmlift::vmdk {

class TableStore {
 public:
  static constexpr std::uint32_t kEntries = 512;
  static constexpr std::uint64_t kTableBytes = kEntries * 4;

  /// Tables lie one behind the other at `first`, and once more at `redundant` (bytes).
  TableStore(File& file, std::uint64_t first, std::uint64_t redundant)
      : file_(&file), first_(first), redundant_(redundant) {}

  /// The entry of a grain, to be read and set until the next call.
  Result<std::uint32_t*> entry(std::uint64_t grain);
  /// Writes what is only in memory.
  Result<void> flush();

 private:
  struct Table {
    std::vector<std::uint32_t> entries;
    std::list<std::uint64_t>::iterator place;
  };
  Result<void> write(std::uint64_t index, const Table& table);

  File* file_;
  std::uint64_t first_;
  std::uint64_t redundant_;
  std::unordered_map<std::uint64_t, Table> tables_;
  std::list<std::uint64_t> recent_;
};

}  // namespace vmlift::vmdk
