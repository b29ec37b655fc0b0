// VMDK: VMware's disk format, all of its kinds. The record that the table of formats names.
#include <array>

#include "formats/records.hpp"
#include "formats/vmdk/create.hpp"
#include "formats/vmdk/create_options.hpp"
#include "formats/vmdk/open.hpp"

namespace vmlift {
namespace {

constexpr std::array kSubformats = {
    Subformat{.name = "monolithicSparse", .read = true, .create = true},
    Subformat{.name = "monolithicFlat", .read = true, .create = true},
    Subformat{.name = "twoGbMaxExtentSparse", .read = true, .create = true},
    Subformat{.name = "twoGbMaxExtentFlat", .read = true, .create = true},
    Subformat{.name = "streamOptimized", .read = true, .create = true},
    Subformat{.name = "vmfs", .read = true, .create = true},
    Subformat{.name = "vmfsThin", .read = true},
    Subformat{.name = "vmfsPreallocated", .read = true},
    Subformat{.name = "vmfsEagerZeroedThick", .read = true},
    Subformat{.name = "vmfsSparse", .read = true},
    Subformat{.name = "seSparse", .read = true},
    Subformat{.name = "custom", .read = true},
};

}  // namespace

const Format kVmdkFormat = {
    .name = "vmdk",
    .description = "VMware's virtual disks",
    .subformats = kSubformats,
    .options = vmdk::kOptions,
    .references_beside = true,
    .probe = vmdk::probe_vmdk,
    .open = vmdk::open_vmdk,
    .create = vmdk::create_vmdk,
};

}  // namespace vmlift
