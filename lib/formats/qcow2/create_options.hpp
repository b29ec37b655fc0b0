// What a new image is asked to be: -o KEY=VALUE, with qemu-img's names, checked.
#pragma once

#include <array>
#include <optional>

#include "codec/effort.hpp"
#include "formats/qcow2/header.hpp"
#include "vmlift/format.hpp"

namespace vmlift::qcow2 {

enum class Preallocation : std::uint8_t {
  off,
  metadata,  ///< every cluster has its place, the file has holes
  falloc,    ///< and the file system has set the room aside
  full,      ///< and zeros are written into it
};

struct NewImage {
  Header header;
  Preallocation preallocation = Preallocation::off;
  bool compress = false;
  Effort effort = Effort::balanced;
  std::optional<int> compression_level;
};

inline constexpr std::array kOptions = {
    FormatOption{"compat", "0.10, 1.1", "the version of the format: 2 or 3"},
    FormatOption{"cluster_size", "512 to 2M", "bytes in a cluster, a power of two"},
    FormatOption{"compression_type", "zlib, zstd", "how compressed clusters are stored"},
    FormatOption{"compression", "fast, default, small", "how much time compression may take"},
    FormatOption{"compression_level", "1 to 12 (zlib), 1 to 19 (zstd)",
                 "one level for all clusters"},
    FormatOption{"refcount_bits", "1, 2, 4, 8, 16, 32, 64", "the width of a refcount"},
    FormatOption{"extended_l2", "on, off", "subclusters: a 32nd of a cluster is allocated alone"},
    FormatOption{"lazy_refcounts", "on, off", "allow QEMU to postpone refcount updates"},
    FormatOption{"preallocation", "off, metadata, falloc, full", "room set aside at creation"},
    FormatOption{"backing_file", "a path", "the parent, whose bytes show where nothing is written"},
    FormatOption{"data_file", "a file name", "the guest's bytes in a file beside the image"},
    FormatOption{"data_file_raw", "on, off", "that file is a raw disk that others may read"},
    FormatOption{"backing_fmt", "a format", "the parent's format, stated with backing_file"},
};

/// Errors: InvalidArgument, naming the option and what it takes.
Result<NewImage> parse_create_options(const CreateOptions& options);

}  // namespace vmlift::qcow2
