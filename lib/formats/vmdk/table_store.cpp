#include "formats/vmdk/table_store.hpp"

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {
constexpr std::size_t kHeld = 2048;  // 4 MiB of tables: 64 GiB of disk
}

Result<std::uint32_t*> TableStore::entry(std::uint64_t grain) {
  const std::uint64_t index = grain / kEntries;
  auto found = tables_.find(index);
  if (found == tables_.end()) {
    if (tables_.size() >= kHeld) {
      const std::uint64_t oldest = recent_.back();
      VMLIFT_CHECK(write(oldest, tables_.at(oldest)));
      tables_.erase(oldest);
      recent_.pop_back();
    }
    Table table{.entries = std::vector<std::uint32_t>(kEntries)};
    Bytes raw(kTableBytes);
    VMLIFT_CHECK(file_->read(first_ + index * kTableBytes, raw));
    for (std::size_t i = 0; i < kEntries; ++i) {
      table.entries[i] = load_le<std::uint32_t>(raw, i * 4);
    }
    recent_.push_front(index);
    table.place = recent_.begin();
    found = tables_.emplace(index, std::move(table)).first;
  } else {
    recent_.splice(recent_.begin(), recent_, found->second.place);
  }
  return &found->second.entries[grain % kEntries];
}

Result<void> TableStore::write(std::uint64_t index, const Table& table) {
  Bytes raw(kTableBytes);
  for (std::size_t i = 0; i < kEntries; ++i) store_le(raw, i * 4, table.entries[i]);
  VMLIFT_CHECK(file_->write(first_ + index * kTableBytes, raw));
  return file_->write(redundant_ + index * kTableBytes, raw);
}

Result<void> TableStore::flush() {
  for (const auto& [index, table] : tables_) VMLIFT_CHECK(write(index, table));
  return {};
}

}  // namespace vmlift::vmdk
