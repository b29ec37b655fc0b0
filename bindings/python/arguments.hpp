// Arguments that several functions take, and how they become the library's options.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vmlift/disk.hpp>

namespace vmlift::python {

/// str, bytes or os.PathLike; also a URI or PACKAGE.ova!MEMBER.
using Location = std::filesystem::path;
using LimitMap = std::map<std::string, std::uint64_t>;
using OptionMap = std::map<std::string, std::string>;

/// Raises InvalidArgument for a bad policy or limit.
OpenOptions open_options(const std::optional<std::string>& format,
                         const std::optional<std::string>& references, const LimitMap& limits,
                         bool allow_corrupt, bool allow_in_use,
                         const std::optional<std::string>& snapshot, const OptionMap& options);
Limits limits_from(const LimitMap& limits);

}  // namespace vmlift::python
