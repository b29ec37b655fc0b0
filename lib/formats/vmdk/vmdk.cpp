// VMDK: VMware's disk format, all of its kinds. The record that the table of formats names.
#include <array>

#include "base/fail.hpp"
#include "formats/records.hpp"
#include "formats/vmdk/open.hpp"

namespace vmlift {
namespace {

constexpr std::array kSubformats = {
    Subformat{.name = "monolithicSparse", .read = true},
    Subformat{.name = "monolithicFlat", .read = true},
    Subformat{.name = "twoGbMaxExtentSparse", .read = true},
    Subformat{.name = "twoGbMaxExtentFlat", .read = true},
    Subformat{.name = "streamOptimized", .read = true},
    Subformat{.name = "vmfs", .read = true},
    Subformat{.name = "vmfsSparse", .read = true},
    Subformat{.name = "seSparse", .read = true},
    Subformat{.name = "custom", .read = true},
};

}  // namespace

const Format kVmdkFormat = {
    .name = "vmdk",
    .description = "VMware's virtual disks",
    .subformats = kSubformats,
    .references_beside = true,
    .probe = vmdk::probe_vmdk,
    .open = vmdk::open_vmdk,
};

}  // namespace vmlift
