// Where each grain of a sparse extent lies: two levels of tables, the lower one loaded when
// needed. Hosted sparse, COWD and seSparse extents differ in how they store these tables;
// here they are one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/checked.hpp"
#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"
#include "vmlift/file.hpp"

namespace vmlift::vmdk {

struct Grain {
  enum class Kind : std::uint8_t {
    absent,       ///< not in this extent: the parent's, or zeros
    zero,         ///< zeros, whatever the parent has
    stored,       ///< at `offset`
    beyond,       ///< at `offset`, past the file's end
    overlapping,  ///< at `offset`, inside the extent's own metadata
    malformed,    ///< an entry that means nothing
  };
  std::uint64_t offset : 56 = 0;
  Kind kind : 8 = Kind::absent;
};
using GrainTable = std::vector<Grain>;
using GrainTablePtr = std::shared_ptr<const GrainTable>;

struct GrainGeometry {
  std::uint64_t capacity = 0;  ///< bytes
  std::uint64_t grain_bytes = 0;
  std::uint64_t grains_per_table = 0;
  bool compressed = false;  ///< a grain takes fewer bytes than it holds, or more
  std::uint64_t grain_count() const { return units_for(capacity, grain_bytes); }
  std::uint64_t table_count() const { return units_for(grain_count(), grains_per_table); }
  /// The guest's bytes in a grain: the last one may be short.
  std::uint64_t bytes_in(std::uint64_t grain) const {
    return std::min(grain_bytes, capacity - grain * grain_bytes);
  }
};

/// Grains seen in use, one bit for each grain's room in the file. Two grains that do not overlap
/// never start in the same room, so a second claim means that they share bytes.
class GrainClaims {
 public:
  explicit GrainClaims(std::uint64_t grain_bytes) : grain_bytes_(grain_bytes) {}
  /// False: claimed before.
  bool claim(std::uint64_t offset);

 private:
  static constexpr std::uint64_t kPageBits = 32768;
  using Page = std::vector<std::uint64_t>;
  std::uint64_t grain_bytes_;
  std::unordered_map<std::uint64_t, Page> pages_;
};

/// May be used from several threads.
class GrainMap {
 public:
  virtual ~GrainMap() = default;

  const GrainGeometry& geometry() const { return geometry_; }
  const File& file() const { return *file_; }

  /// The table, or null: none of its grains is in this extent. Errors: Truncated, Corrupt.
  Result<GrainTablePtr> table(std::uint64_t index);
  /// The first table from `index` on that may have grains in this extent; table_count(): none.
  virtual Result<std::uint64_t> next_table(std::uint64_t index) = 0;

  /// How many grains the file holds beside the `stored` ones that tables point to. 0 where the
  /// format does not tell.
  virtual Result<std::uint64_t> leaked(std::uint64_t /*stored*/) { return 0; }

  /// What was repaired on the way, for info and check.
  std::vector<std::string> warnings() const;

 protected:
  GrainMap(std::shared_ptr<File> file, std::uint64_t file_size, GrainGeometry geometry);

  /// Reads one table. Called by one thread at a time.
  virtual Result<GrainTablePtr> load(std::uint64_t index) = 0;

  /// A grain at `offset` of the file, judged by the file's size and the metadata's places.
  Grain place(std::uint64_t grain, std::uint64_t offset) const;
  /// From any thread.
  void warn(std::string text);
  /// [offset, offset + length) is the extent's own metadata. Cheap in ascending order.
  void add_metadata(Extent extent) { metadata_.add(extent); }
  /// How many grains have room in `part` of the file, beside metadata and `stored` grains.
  std::uint64_t unused_room(Extent part, std::uint64_t stored) const;
  std::uint64_t file_size() const { return file_size_; }
  std::shared_ptr<File> file_;

 private:
  enum class Seen : std::uint8_t { no, sound, shared };

  Result<void> claim_grains(std::uint64_t index, const GrainTable& table);

  GrainGeometry geometry_;
  std::uint64_t file_size_;
  ExtentSet metadata_;

  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  GrainClaims claims_;

  mutable std::mutex warnings_mutex_;
  std::vector<std::string> warnings_;

  // The tables used last, at most kCacheBytes of them.
  struct Cached {
    GrainTablePtr table;
    std::list<std::uint64_t>::iterator place;
  };
  std::list<std::uint64_t> recent_;
  std::unordered_map<std::uint64_t, Cached> cache_;
};

}  // namespace vmlift::vmdk
