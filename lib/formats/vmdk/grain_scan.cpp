#include "formats/vmdk/grain_scan.hpp"

#include "base/fail.hpp"
#include "formats/vmdk/marker_walk.hpp"
#include "formats/vmdk/scanned_tables.hpp"

namespace vmlift::vmdk {
namespace {

class ScannedMap : public GrainMap {
 public:
  ScannedMap(std::shared_ptr<File> file, std::uint64_t file_size, const SparseHeader& header,
             std::uint64_t memory)
      : GrainMap(std::move(file), file_size, stream_geometry(header)),
        tables_(geometry(), memory) {}

  Result<void> scan(const SparseHeader& header) {
    std::uint64_t found = 0;
    MarkerWalk walk(*file_, header);
    for (;;) {
      VMLIFT_TRY(const auto grain, walk.next());
      if (!grain) break;
      VMLIFT_CHECK(tables_.keep(grain->grain, grain->place));
      ++found;
    }
    warn(
        fmt::format("the grain directory is lost: {} grains were found by their markers, up to "
                    "byte {}, where {}; everything else reads as zeros",
                    found, walk.place(), walk.end_in_words()));
    return {};
  }

  Result<std::uint64_t> next_table(std::uint64_t index) override { return tables_.next(index); }

 private:
  Result<GrainTablePtr> load(std::uint64_t index) override { return tables_.at(index); }

  ScannedTables tables_;
};

}  // namespace

Result<std::unique_ptr<GrainMap>> scan_stream(std::shared_ptr<File> file,
                                              const SparseHeader& header, const Limits& limits) {
  if (!header.has(SparseHeader::kMarkers)) {
    return fail(ErrorCode::UnsupportedFeature, "only a stream has markers to be read by");
  }
  VMLIFT_TRY(const std::uint64_t file_size, file->size());
  auto map = std::make_unique<ScannedMap>(std::move(file), file_size, header, limits.metadata);
  VMLIFT_CHECK(map->scan(header));
  return map;
}

}  // namespace vmlift::vmdk
