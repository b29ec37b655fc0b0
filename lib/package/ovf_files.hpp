// How the files that an OVF refers to are stored: compressed, cut into chunks, or as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vmlift/error.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

struct OvfStorage {
  std::string compression;  ///< "", "identity", "gzip", ...
  std::optional<std::uint64_t> chunk_size;
  std::optional<std::uint64_t> size;  ///< ovf:size
};
/// By the href, percent-decoded as vm::Drive::source is. Only what is not stored as it is.
using OvfStorages = std::map<std::string, OvfStorage, std::less<>>;

/// Errors: BadXml, BadOvf, Limit.
Result<OvfStorages> ovf_storages(std::string_view text, const Limits& limits);

/// The name of a chunk: `disk.vmdk.000000003`.
std::string chunk_name(std::string_view href, std::uint64_t number);

/// Opens one stored file of the package by its name.
using OpenStored = std::function<Result<std::shared_ptr<File>>(std::string_view name)>;
/// The file as it was before it was compressed and cut. Errors: those of `open`; Corrupt where
/// chunks or sizes contradict the OVF; UnsupportedFeature for another compression than gzip.
Result<std::shared_ptr<File>> open_as_it_was(std::string_view href, const OvfStorage& storage,
                                             const OpenStored& open, const Limits& limits);

}  // namespace vmlift
