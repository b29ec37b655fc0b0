// Internal snapshots: the table that lists them. Each has an L1 table of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/qcow2/header.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

struct Snapshot {
  SnapshotInfo info;
  std::uint64_t l1_offset = 0;
  std::uint32_t l1_size = 0;
};

struct SnapshotTable {
  std::vector<Snapshot> snapshots;
  std::uint64_t length = 0;  ///< bytes in the file
};

/// What the snapshots' own tables hold is not looked at. Errors: Truncated, Corrupt.
Result<SnapshotTable> read_snapshots(const File& file, const Header& header);

/// The snapshot whose id, or else whose name, is `wanted`. Errors: NotFound.
Result<Snapshot> find_snapshot(const SnapshotTable& table, const std::string& wanted);

}  // namespace vmlift::qcow2
