#include "formats/qcow2/snapshots.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

constexpr std::size_t kEntrySize = 40;
// QEMU refuses more, and nothing is defined beyond 24.
constexpr std::uint32_t kMaxExtra = 1024;

Result<void> cut_short(std::uint64_t at) {
  return std::unexpected(
      error(ErrorCode::Truncated, "the snapshot table ends beyond the file's end").at(at));
}

}  // namespace

Result<SnapshotTable> read_snapshots(const File& file, const Header& header) {
  SnapshotTable table;
  VMLIFT_TRY(const std::uint64_t file_size, file.size());
  std::uint64_t at = header.snapshots_offset;
  if (header.snapshot_count != 0 &&
      !within(at, std::uint64_t{header.snapshot_count} * kEntrySize, file_size)) {
    VMLIFT_CHECK(cut_short(at));
  }
  for (std::uint32_t n = 0; n < header.snapshot_count; ++n) {
    std::array<std::byte, kEntrySize> entry;
    if (!within(at, kEntrySize, file_size)) VMLIFT_CHECK(cut_short(at));
    VMLIFT_CHECK(file.read(at, entry));
    Snapshot snapshot;
    snapshot.l1_offset = load_be<std::uint64_t>(entry, 0);
    snapshot.l1_size = load_be<std::uint32_t>(entry, 8);
    const auto id_size = load_be<std::uint16_t>(entry, 12);
    const auto name_size = load_be<std::uint16_t>(entry, 14);
    snapshot.info.created = load_be<std::uint32_t>(entry, 16);
    const auto extra_size = load_be<std::uint32_t>(entry, 36);
    if (extra_size > kMaxExtra) {
      return std::unexpected(
          error(ErrorCode::Corrupt, "snapshot {} claims {} bytes of extra data", n, extra_size)
              .at(at));
    }
    Bytes rest(extra_size + id_size + name_size);
    if (!within(at + kEntrySize, rest.size(), file_size)) VMLIFT_CHECK(cut_short(at));
    VMLIFT_CHECK(file.read(at + kEntrySize, rest));
    // Version 2 does not say how large the disk was: it could not be resized.
    snapshot.info.virtual_size =
        extra_size >= 16 ? load_be<std::uint64_t>(rest, 8) : header.geometry.size;
    snapshot.info.id = as_text(std::span(rest).subspan(extra_size, id_size));
    snapshot.info.name = as_text(std::span(rest).subspan(extra_size + id_size));
    table.snapshots.push_back(std::move(snapshot));
    at += round_up(kEntrySize + rest.size(), 8);
  }
  table.length = at - header.snapshots_offset;
  return table;
}

Result<Snapshot> find_snapshot(const SnapshotTable& table, const std::string& wanted) {
  for (const auto key : {&SnapshotInfo::id, &SnapshotInfo::name}) {
    const auto found = std::ranges::find_if(
        table.snapshots, [&](const Snapshot& snapshot) { return snapshot.info.*key == wanted; });
    if (found != table.snapshots.end()) return *found;
  }
  return fail(ErrorCode::NotFound, "the image has no snapshot '{}'", wanted);
}

}  // namespace vmlift::qcow2
