#include "formats/vmdk/grain_scan.hpp"

#include <array>
#include <map>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/marker.hpp"

namespace vmlift::vmdk {
namespace {

class ScannedMap : public GrainMap {
 public:
  ScannedMap(std::shared_ptr<File> file, std::uint64_t file_size, const SparseHeader& header,
             std::uint64_t memory)
      : GrainMap(std::move(file), file_size,
                 {.capacity = header.capacity_bytes(),
                  .grain_bytes = header.grain_bytes(),
                  .grains_per_table = header.table_entries,
                  .compressed = true}),
        grain_sectors_(header.grain_size),
        memory_(memory) {}

  Result<void> scan(std::uint64_t at) {
    std::uint64_t found = 0;
    std::string_view end = "the file ends";
    while (within(at, kSector, file_size())) {
      std::array<std::byte, 16> raw{};
      VMLIFT_CHECK(file_->read(at, raw));
      const Marker marker = Marker::parse(raw);
      if (marker.size == 0) {
        if (marker.type == Marker::kEndOfStream) {
          end = "the stream ends";
          break;
        }
        const auto length = sectors_to_bytes(marker.value);
        const auto next = length ? checked_add(at + kSector, *length) : std::nullopt;
        if (!next) break;
        at = *next;
        continue;
      }
      const std::uint64_t grain = marker.value / grain_sectors_;
      if (marker.value % grain_sectors_ != 0 || grain >= geometry().grain_count() ||
          marker.size > max_compressed_grain(geometry().grain_bytes)) {
        end = "the markers stop making sense";
        break;
      }
      const std::uint64_t length = kGrainMarkerSize + marker.size;
      if (!within(at, length, file_size())) break;
      VMLIFT_CHECK(keep(grain, at));
      ++found;
      at += round_up(length, kSector);
    }
    warn(
        fmt::format("the grain directory is lost: {} grains were found by their markers, up to "
                    "byte {}, where {}; everything else reads as zeros",
                    found, at, end));
    return {};
  }

  Result<std::uint64_t> next_table(std::uint64_t index) override {
    const auto table = tables_.lower_bound(index);
    return table == tables_.end() ? geometry().table_count() : table->first;
  }

 private:
  Result<GrainTablePtr> load(std::uint64_t index) override {
    const auto table = tables_.find(index);
    return table == tables_.end() ? GrainTablePtr() : table->second;
  }

  Result<void> keep(std::uint64_t grain, std::uint64_t place) {
    const std::uint64_t per_table = geometry().grains_per_table;
    auto& table = tables_[grain / per_table];
    if (!table) {
      if (tables_.size() * per_table * sizeof(Grain) > memory_) {
        return fail(ErrorCode::Limit, "the tables of the stream need more than {} bytes", memory_);
      }
      const std::uint64_t first = grain / per_table * per_table;
      table = std::make_shared<GrainTable>(std::min(per_table, geometry().grain_count() - first));
    }
    (*table)[grain % per_table] = {.offset = place, .kind = Grain::Kind::stored};
    return {};
  }

  std::uint64_t grain_sectors_;
  std::uint64_t memory_;
  std::map<std::uint64_t, std::shared_ptr<GrainTable>> tables_;
};

}  // namespace

Result<std::unique_ptr<GrainMap>> scan_stream(std::shared_ptr<File> file,
                                              const SparseHeader& header, const Limits& limits) {
  if (!header.has(SparseHeader::kMarkers)) {
    return fail(ErrorCode::UnsupportedFeature, "only a stream has markers to be read by");
  }
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  const auto start = sectors_to_bytes(header.overhead);
  auto map = std::make_unique<ScannedMap>(std::move(file), file_size, header, limits.metadata);
  VMLIFT_CHECK(map->scan(start.value_or(file_size)));
  return map;
}

}  // namespace vmlift::vmdk
