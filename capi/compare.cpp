// Digests and comparisons.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_code vmlift_disk_digest(const vmlift_disk* disk, const vmlift_run_options* run,
                               char** sha256, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, sha256); !given) return given;
    *sha256 = nullptr;
    const Run running(run);
    auto digest = vmlift::digest_disk(*disk->disk, running.copy_options());
    if (!digest) return std::unexpected(std::move(digest).error());
    *sha256 = copied(*digest);
    return {};
  });
}

vmlift_code vmlift_disk_compare(const vmlift_disk* a, const vmlift_disk* b, unsigned flags,
                                const vmlift_run_options* run, bool* same,
                                uint64_t* first_difference, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(a, b, same); !given) return given;
    if (auto known = no_other_flags(flags, VMLIFT_COMPARE_IGNORE_SIZE); !known) return known;
    const Run running(run);
    auto difference = vmlift::compare_disks(*a->disk, *b->disk, running.copy_options(),
                                            (flags & VMLIFT_COMPARE_IGNORE_SIZE) != 0);
    if (!difference) return std::unexpected(std::move(difference).error());
    *same = !difference->has_value();
    if (first_difference != nullptr && *difference) *first_difference = **difference;
    return {};
  });
}
