#include "formats/vmdk/arriving_map.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "formats/vmdk/hosted_map.hpp"
#include "formats/vmdk/marker_walk.hpp"
#include "formats/vmdk/scanned_tables.hpp"

namespace vmlift::vmdk {
namespace {

class ArrivingMap : public GrainMap {
 public:
  ArrivingMap(std::shared_ptr<File> file, const SparseHeader& header, const OpenOptions& options)
      : GrainMap(std::move(file), 0, stream_geometry(header)),
        header_(header),
        limits_(options.limits),
        salvage_(options.allow_corrupt),
        tables_(geometry(), options.limits.metadata),
        walk_(*file_, header) {}

  /// Waits here, and not in load: others can use tables that are there already meanwhile.
  Result<std::uint64_t> next_table(std::uint64_t index) override {
    std::lock_guard lock(walking_);
    std::uint64_t next = tables_.next(index);
    while (next == geometry().table_count() && !ended_) {
      VMLIFT_CHECK(step());
      next = tables_.next(index);
    }
    VMLIFT_CHECK(complete_table(next));
    return next;
  }

 private:
  Result<GrainTablePtr> load(std::uint64_t index) override {
    std::lock_guard lock(walking_);
    VMLIFT_CHECK(complete_table(index));
    return tables_.at(index);
  }

  /// Goes on until a grain behind the table was seen: they come in ascending order.
  Result<void> complete_table(std::uint64_t index) {
    const std::uint64_t behind = (index + 1) * geometry().grains_per_table;
    while (!ended_ && next_grain_ <= behind) VMLIFT_CHECK(step());
    return {};
  }

  /// Takes in one grain, or the end. After an error it is met again by every call.
  Result<void> step() {
    if (broken_) return std::unexpected(*broken_);
    auto taken = take();
    if (!taken) broken_ = taken.error();
    return taken;
  }

  Result<void> take() {
    VMLIFT_TRY(const auto found, walk_.next());
    if (!found) {
      auto sound = judge_end();
      if (!sound && !salvage_) return sound;
      ended_ = true;
      if (!sound) {
        warn(
            fmt::format("the stream is damaged after byte {}, and what it lacks reads as zeros: {}",
                        walk_.place(), sound.error().message()));
      }
      return {};
    }
    if (found->grain < next_grain_) {
      return std::unexpected(
          error(ErrorCode::UnsupportedFeature,
                "the grains do not come in ascending order: such a stream cannot be read while it "
                "arrives; save it to a file, and convert that")
              .at(found->place)
              .in(file_->path()));
    }
    next_grain_ = found->grain + 1;
    return tables_.keep(found->grain, found->place);
  }

  Result<void> judge_end() {
    if (walk_.end() == MarkerWalk::End::nonsense) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "no marker of the stream stands where one must")
              .at(walk_.place())
              .in(file_->path()));
    }
    if (walk_.end() == MarkerWalk::End::file) {
      return std::unexpected(error(ErrorCode::Truncated, "it ends before the end of the stream")
                                 .at(walk_.place())
                                 .in(file_->path()));
    }
    SparseHeader header = header_;
    if (header.directory == kDirectoryAtEnd) VMLIFT_CHECK(read_footer(*file_, header, limits_));
    VMLIFT_TRY(const auto directory, open_hosted_map(file_, header, limits_));
    return compare_with(*directory);
  }

  Result<void> compare_with(GrainMap& directory) const {
    const std::uint64_t count = geometry().table_count();
    for (std::uint64_t index = 0; index < count; ++index) {
      VMLIFT_TRY(const std::uint64_t listed, directory.next_table(index));
      index = std::min(listed, tables_.next(index));
      if (index == count) break;
      VMLIFT_TRY(const GrainTablePtr said, directory.table(index));
      const GrainTablePtr seen = tables_.at(index);
      const std::uint64_t first = index * geometry().grains_per_table;
      for (std::uint64_t i = 0; i < geometry().grains_per_table; ++i) {
        if (first + i >= geometry().grain_count()) break;
        if (place_in(said, i) == place_in(seen, i)) continue;
        return std::unexpected(
            error(ErrorCode::Corrupt,
                  "the grain directory at the end does not say what the stream held: the grain at "
                  "guest byte {} {}",
                  (first + i) * geometry().grain_bytes,
                  place_in(seen, i) == 0 ? "was not in the stream" : "has another place")
                .at(place_in(seen, i) == 0 ? place_in(said, i) : place_in(seen, i))
                .in(file_->path()));
      }
    }
    return {};
  }

  /// 0: not stored. A grain that the table calls zero needs none in a stream without a parent.
  static std::uint64_t place_in(const GrainTablePtr& table, std::uint64_t i) {
    if (!table) return 0;
    const Grain grain = (*table)[i];
    const bool nothing = grain.kind == Grain::Kind::absent || grain.kind == Grain::Kind::zero;
    return nothing ? 0 : grain.offset;
  }

  const SparseHeader header_;
  const Limits limits_;
  const bool salvage_;

  std::mutex walking_;
  ScannedTables tables_;
  MarkerWalk walk_;
  std::uint64_t next_grain_ = 0;  // the least that may come next
  bool ended_ = false;
  std::optional<Error> broken_;
};

}  // namespace

std::unique_ptr<GrainMap> open_arriving_map(std::shared_ptr<File> file, const SparseHeader& header,
                                            const OpenOptions& options) {
  return std::make_unique<ArrivingMap>(std::move(file), header, options);
}

}  // namespace vmlift::vmdk
