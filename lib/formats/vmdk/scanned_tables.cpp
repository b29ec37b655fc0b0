#include "formats/vmdk/scanned_tables.hpp"

#include "base/fail.hpp"

namespace vmlift::vmdk {

Result<void> ScannedTables::keep(std::uint64_t grain, std::uint64_t place) {
  const std::uint64_t per_table = geometry_.grains_per_table;
  auto& table = tables_[grain / per_table];
  if (!table) {
    if (tables_.size() * per_table * sizeof(Grain) > memory_) {
      return fail(ErrorCode::Limit, "the tables of the stream need more than {} bytes", memory_);
    }
    const std::uint64_t first = grain / per_table * per_table;
    table = std::make_shared<GrainTable>(std::min(per_table, geometry_.grain_count() - first));
  }
  (*table)[grain % per_table] = {.offset = place, .kind = Grain::Kind::stored};
  return {};
}

GrainTablePtr ScannedTables::at(std::uint64_t index) const {
  const auto table = tables_.find(index);
  return table == tables_.end() ? GrainTablePtr() : table->second;
}

std::uint64_t ScannedTables::next(std::uint64_t index) const {
  const auto table = tables_.lower_bound(index);
  return table == tables_.end() ? geometry_.table_count() : table->first;
}

}  // namespace vmlift::vmdk
