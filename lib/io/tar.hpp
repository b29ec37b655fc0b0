// Tar archives as lists of members: where each one's bytes lie in the archive's file. An OVA is
// one. Nothing is ever extracted, so a member that is not plain bytes has no meaning here.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

struct TarMember {
  std::string name;  ///< components joined by single slashes, none of them `.` or `..`
  Extent data;       ///< within the archive's file
};

/// Whether `head`, the first 512 bytes of a file or more, is a tar header: its checksum tells.
bool is_tar(std::span<const std::byte> head);

/// Lists ustar, GNU (base-256 sizes, long names) and pax (path, size) archives; folders are
/// passed over. Errors: BadArchive for links, devices, duplicates, names that lead out of the
/// archive and damaged headers; UnsupportedFeature for sparse and multi-volume members;
/// Truncated for an archive without its end; Limit.
Result<std::vector<TarMember>> list_tar(const File& file, const Limits& limits);

}  // namespace vmlift
