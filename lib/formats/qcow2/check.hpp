// The test of an image's own structure: every reference counted, and compared with the refcounts
// that are stored.
#pragma once

#include <vector>

#include "formats/qcow2/bitmaps.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/snapshots.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::qcow2 {

/// Counts as qemu-img check does: a leak is a cluster with a higher refcount than it has
/// references, corrupt is one with a lower, and every entry that cannot be right.
Result<CheckReport> check_image(const File& file, const Header& header,
                                const SnapshotTable& snapshots, const std::vector<Bitmap>& bitmaps);

}  // namespace vmlift::qcow2
