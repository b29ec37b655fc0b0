// What a new image is asked to be: -o KEY=VALUE, with qemu-img's names, checked.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "codec/effort.hpp"
#include "formats/vmdk/sector.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

enum class Kind {
  monolithic_sparse,
  monolithic_flat,
  two_gb_sparse,
  two_gb_flat,
  stream_optimized,
  vmfs,
};
/// The createType of that kind.
std::string_view kind_name(Kind kind);

struct NewImage {
  Kind kind = Kind::monolithic_sparse;
  std::uint64_t sectors = 0;  ///< the disk's size; a VMDK counts in whole sectors
  std::string adapter_type = "lsilogic";
  std::string hardware_version = "7";
  std::string tools_version = "2147483647";  ///< "unknown", as open-vm-tools has it
  bool zero_grains = false;
  Effort effort = Effort::balanced;
  std::optional<int> compression_level;

  std::uint64_t bytes() const { return sectors * kSector; }
};

inline constexpr std::array kOptions = {
    FormatOption{"subformat",
                 "monolithicSparse, monolithicFlat, twoGbMaxExtentSparse, twoGbMaxExtentFlat, "
                 "streamOptimized, vmfs",
                 "how the disk is stored"},
    FormatOption{"adapter_type", "ide, buslogic, lsilogic, legacyESX",
                 "the controller that the descriptor names"},
    FormatOption{"hwversion", "a number", "the virtual hardware version that the descriptor names"},
    FormatOption{"compat6", "on, off", "the same as hwversion=6"},
    FormatOption{"toolsversion", "a number", "the version of VMware Tools in the guest"},
    FormatOption{"zeroed_grain", "on, off", "a sparse image may mark grains as zero"},
    FormatOption{"compression", "fast, default, small",
                 "streamOptimized: how much time compression may take"},
    FormatOption{"compression_level", "1 to 12", "streamOptimized: one level for all grains"},
};

/// Errors: InvalidArgument naming the option and what it takes, Limit.
Result<NewImage> parse_create_options(const CreateOptions& options);

}  // namespace vmlift::vmdk
