// L2 tables, read when first needed and kept within a bound.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "formats/qcow2/claims.hpp"
#include "formats/qcow2/layout.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

/// An L2 table in the processor's byte order: an entry is one word, an extended entry two.
using L2Table = std::vector<std::uint64_t>;

/// Safe for several threads at once.
class L2Cache {
 public:
  /// What the tables point to is claimed in `data_claims`, under the cache's lock; null: whatever
  /// they say is taken.
  L2Cache(std::shared_ptr<File> file, const Geometry& geometry, std::uint64_t data_file_size,
          HostClaims* data_claims);

  /// The table at `offset`, which maps the guest from `guest_offset` on.
  Result<std::shared_ptr<L2Table>> get(std::uint64_t offset, std::uint64_t guest_offset);

  /// Keeps a table in memory until unpin_all(): somebody changes it.
  void pin(std::uint64_t offset, std::shared_ptr<L2Table> table);
  void unpin_all();

 private:
  struct Slot {
    std::shared_ptr<L2Table> table;
    std::list<std::uint64_t>::iterator age;
    bool pinned = false;
  };
  void shrink();

  std::shared_ptr<File> file_;
  const Geometry& geometry_;
  const std::uint64_t data_file_size_;
  HostClaims* data_claims_;
  const std::size_t capacity_;

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Slot> slots_;
  std::list<std::uint64_t> ages_;  // most recently used first
  NumberSet claimed_;              // tables whose clusters have been claimed
};

}  // namespace vmlift::qcow2
