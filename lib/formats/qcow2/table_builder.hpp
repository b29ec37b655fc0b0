// The L2 tables of an image that is written in one go: in memory where the disk is used, and
// beyond a bound in the file, which nobody can see yet.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <vector>

#include "formats/qcow2/host_allocator.hpp"
#include "formats/qcow2/layout.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

class TableBuilder {
 public:
  TableBuilder(const Geometry& geometry, File& file, HostAllocator& allocator);

  /// The words of an L2 table, made when it does not exist. They live until the next call.
  Result<std::span<std::uint64_t>> table(std::uint64_t l1_index);
  /// Nothing where the table does not exist.
  Result<std::span<std::uint64_t>> existing(std::uint64_t l1_index);
  /// The next table at or behind `l1_index`.
  std::uint64_t next_existing(std::uint64_t l1_index, std::uint64_t otherwise) const;

  /// Gives every table its place.
  void place_all();
  /// Writes all tables; they have their places.
  Result<void> write_all();
  /// The L1 table, ready to be stored.
  std::vector<std::uint64_t> l1() const;

 private:
  struct Slot {
    std::vector<std::uint64_t> words;  // empty: only in the file
    std::uint64_t place = 0;           // 0: none yet
    std::list<std::uint64_t>::iterator age{};
  };
  Result<std::span<std::uint64_t>> use(std::uint64_t l1_index, Slot& slot);
  Result<void> spill_oldest();

  const Geometry& geometry_;
  File& file_;
  HostAllocator& allocator_;
  const std::size_t capacity_;
  std::map<std::uint64_t, Slot> slots_;  // by L1 index
  std::list<std::uint64_t> ages_;        // those in memory, most recently used first
};

}  // namespace vmlift::qcow2
