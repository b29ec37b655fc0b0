#include "formats/vmdk/grain_map.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {
// Tables of 512 grains of 64 KiB: 4 MiB of them map 32 GiB of guest.
constexpr std::uint64_t kCacheBytes = 4 << 20;
constexpr std::size_t kMaxWarnings = 20;
}  // namespace

bool GrainClaims::claim(std::uint64_t offset) {
  const std::uint64_t room = offset / grain_bytes_;
  Page& page = pages_[room / kPageBits];
  if (page.empty()) page.resize(kPageBits / 64);
  std::uint64_t& word = page[room % kPageBits / 64];
  const std::uint64_t bit = std::uint64_t{1} << (room % 64);
  if ((word & bit) != 0) return false;
  word |= bit;
  return true;
}

GrainMap::GrainMap(std::shared_ptr<File> file, std::uint64_t file_size, GrainGeometry geometry)
    : file_(std::move(file)),
      geometry_(geometry),
      file_size_(file_size),
      seen_(geometry.table_count()),
      claims_(geometry.grain_bytes) {}

Grain GrainMap::place(std::uint64_t grain, std::uint64_t offset) const {
  // A compressed grain's length stands in its marker and is checked when it is read; its first
  // sector is there at least.
  const std::uint64_t length = geometry_.compressed ? 512 : geometry_.bytes_in(grain);
  Grain placed{.offset = offset, .kind = Grain::Kind::stored};
  if (!within(offset, length, file_size_)) {
    placed.kind = Grain::Kind::beyond;
  } else if (metadata_.overlaps({offset, length})) {
    placed.kind = Grain::Kind::overlapping;
  }
  return placed;
}

Result<void> GrainMap::claim_grains(std::uint64_t index, const GrainTable& table) {
  // A compressed grain carries its own LBA, which is checked when it is read: it cannot serve
  // for two.
  if (geometry_.compressed || seen_[index] == Seen::sound) return {};
  if (seen_[index] == Seen::no) {
    seen_[index] = Seen::sound;
    for (const Grain& grain : table) {
      if (grain.kind == Grain::Kind::stored && !claims_.claim(grain.offset)) {
        seen_[index] = Seen::shared;
      }
    }
  }
  if (seen_[index] == Seen::sound) return {};
  return std::unexpected(
      error(ErrorCode::Corrupt,
            "grain table {} uses a place in the file that another grain uses too", index)
          .in(file_->path()));
}

Result<GrainTablePtr> GrainMap::table(std::uint64_t index) {
  std::lock_guard lock(mutex_);
  if (const auto found = cache_.find(index); found != cache_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second.place);
    return found->second.table;
  }
  VMLIFT_TRY(GrainTablePtr table, load(index));
  if (!table) return table;
  VMLIFT_CHECK(claim_grains(index, *table));
  const std::uint64_t held = cache_.size() * geometry_.grains_per_table * sizeof(Grain);
  if (held >= kCacheBytes && !recent_.empty()) {
    cache_.erase(recent_.back());
    recent_.pop_back();
  }
  recent_.push_front(index);
  cache_[index] = {table, recent_.begin()};
  return table;
}

std::uint64_t GrainMap::unused_room(Extent part, std::uint64_t stored) const {
  const std::uint64_t grains = metadata_.gaps(part).total() / geometry_.grain_bytes;
  return grains - std::min(grains, stored);
}

void GrainMap::warn(std::string text) {
  std::lock_guard lock(warnings_mutex_);
  if (warnings_.size() < kMaxWarnings) warnings_.push_back(std::move(text));
}

std::vector<std::string> GrainMap::warnings() const {
  std::lock_guard lock(warnings_mutex_);
  return warnings_;
}

}  // namespace vmlift::vmdk
