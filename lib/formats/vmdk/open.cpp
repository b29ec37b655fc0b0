#include "formats/vmdk/open.hpp"

#include <algorithm>
#include <map>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "disk/references.hpp"
#include "formats/vmdk/arriving_map.hpp"
#include "formats/vmdk/cowd.hpp"
#include "formats/vmdk/descriptor.hpp"
#include "formats/vmdk/encoding.hpp"
#include "formats/vmdk/flat_extent.hpp"
#include "formats/vmdk/grain_scan.hpp"
#include "formats/vmdk/hosted_map.hpp"
#include "formats/vmdk/image.hpp"
#include "formats/vmdk/parent.hpp"
#include "formats/vmdk/se_sparse.hpp"
#include "formats/vmdk/sparse_extent.hpp"

namespace vmlift::vmdk {
namespace {

using Type = ExtentLine::Type;

Result<SparseHeader> read_header(const File& file, const Limits& limits) {
  std::array<std::byte, kSector> raw{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, raw));
  auto header = parse_sparse_header(std::span(raw).first(got), limits);
  if (!header) return std::unexpected(std::move(header).error().in(file.path()));
  return header;
}

Result<std::unique_ptr<GrainMap>> open_by_directory(std::shared_ptr<File> file, SparseHeader header,
                                                    const Limits& limits) {
  if (header.directory == kDirectoryAtEnd) VMLIFT_CHECK(read_footer(*file, header, limits));
  return open_hosted_map(std::move(file), header, limits);
}

Result<std::unique_ptr<GrainMap>> open_sparse_map(const std::shared_ptr<File>& file,
                                                  const SparseHeader& header,
                                                  const OpenOptions& options, bool has_parent) {
  if (header.capacity == 0) return fail(ErrorCode::BadHeader, "a sparse extent of no sectors");
  // Over a parent a grain that the directory calls zero hides it, and has no marker.
  if (file->arriving() && header.has(SparseHeader::kMarkers) && !has_parent) {
    return open_arriving_map(file, header, options);
  }
  auto map = open_by_directory(file, header, options.limits);
  const bool lost = !map && (map.error().code() == ErrorCode::Truncated ||
                             map.error().code() == ErrorCode::Corrupt);
  if (!lost || !options.allow_corrupt || !header.compressed()) return map;
  return scan_stream(file, header, options.limits);
}

Result<Descriptor> read_embedded(const File& file, const SparseHeader& header,
                                 const Limits& limits) {
  const auto offset = sectors_to_bytes(header.descriptor_offset);
  const auto length = sectors_to_bytes(header.descriptor_size);
  if (!length || *length > limits.descriptor) {
    return fail(ErrorCode::Limit, "an embedded descriptor of {} sectors", header.descriptor_size);
  }
  // The file's size is not asked: it may still arrive.
  Bytes text(*length);
  VMLIFT_TRY(const std::size_t got, offset ? file.read_some(*offset, text) : 0);
  if (got < text.size()) {
    return fail(ErrorCode::Truncated, "the embedded descriptor lies past the file's end");
  }
  return parse_descriptor(as_text(text), limits);
}

/// The bytes of all extents together. Errors: Limit, before a single one is opened.
Result<void> require_sane_size(const Descriptor& descriptor, const Limits& limits) {
  std::uint64_t total = 0;
  for (const ExtentLine& line : descriptor.extents) {
    const auto sum = checked_add(total, line.sectors);
    const auto bytes = sum ? sectors_to_bytes(*sum) : std::nullopt;
    if (!bytes || *bytes > limits.virtual_size) {
      return fail(ErrorCode::Limit, "the extents up to line {} hold more than {} bytes", line.line,
                  limits.virtual_size);
    }
    total = *sum;
  }
  return {};
}

/// Opens what a descriptor lists.
class ExtentOpener {
 public:
  ExtentOpener(const OpenRequest& request, const Descriptor& descriptor)
      : request_(request), descriptor_(descriptor), self_(identity_of(*request.file)) {}

  Result<std::unique_ptr<ExtentReader>> open(const ExtentLine& line, Below below) {
    // Without access the source host itself never reads the file: the guest sees nothing there.
    if (line.type == Type::zero || line.access == ExtentLine::Access::none || line.sectors == 0) {
      return zero_extent();
    }
    VMLIFT_CHECK(require_allowed(line));
    VMLIFT_TRY(auto file, file_of(line));
    if (line.type == Type::flat || line.type == Type::vmfs || line.type == Type::raw_mapping ||
        line.type == Type::raw_device) {
      const auto offset = sectors_to_bytes(line.offset);
      if (!offset) {
        return fail(ErrorCode::BadDescriptor, "line {} has an impossible offset", line.line);
      }
      return open_flat_extent(std::move(file), *offset, line.sectors * kSector);
    }
    const std::string path = file->path();
    auto map = open_map(line.type, std::move(file));
    if (!map) return std::unexpected(std::move(map).error().in(path));
    if ((*map)->geometry().capacity < line.sectors * kSector) {
      return std::unexpected(error(ErrorCode::Corrupt,
                                   "the descriptor says {} sectors, the extent itself {}",
                                   line.sectors, (*map)->geometry().capacity / kSector)
                                 .in(path));
    }
    return std::make_unique<SparseExtent>(*std::move(map), below);
  }

 private:
  Result<void> require_allowed(const ExtentLine& line) const {
    const bool device_disk =
        descriptor_.create_type == "fullDevice" || descriptor_.create_type == "partitionedDevice";
    const bool device =
        line.type == Type::raw_mapping || line.type == Type::raw_device ||
        (device_disk && (line.file.starts_with('/') || line.file.starts_with('\\')));
    if (device && !request_.options.policy.allow_devices) {
      return fail(ErrorCode::UnsupportedFeature,
                  "the disk maps a physical device ({}); copy the device itself, or allow devices",
                  type_word(line.type));
    }
    if (line.type == Type::vsan_sparse) {
      return fail(ErrorCode::UnsupportedFeature,
                  "a vSAN delta cannot be read outside vSAN; consolidate the snapshots there");
    }
    return {};
  }

  Result<std::unique_ptr<GrainMap>> open_map(Type type, std::shared_ptr<File> file) const {
    const Limits& limits = request_.options.limits;
    if (type == Type::vmfs_sparse) return open_cowd_map(std::move(file), limits);
    if (type == Type::se_sparse) return open_se_sparse_map(std::move(file), limits);
    VMLIFT_TRY(const SparseHeader header, read_header(*file, limits));
    return open_sparse_map(file, header, request_.options, descriptor_.has_parent());
  }

  Result<std::shared_ptr<File>> file_of(const ExtentLine& line) {
    if (const auto found = open_files_.find(line.file); found != open_files_.end()) {
      return found->second;
    }
    auto file = open_named(request_.references, line.file, descriptor_.encoding);
    if (!file) return file;
    if (identity_of(**file) == self_) {
      return std::unexpected(
          error(ErrorCode::BadHeader, "the descriptor in this file names it as its own extent")
              .in((*file)->path()));
    }
    open_files_.emplace(line.file, *file);
    return file;
  }

  const OpenRequest& request_;
  const Descriptor& descriptor_;
  std::string self_;
  std::map<std::string, std::shared_ptr<File>> open_files_;  // several lines may name one file
};

Result<std::unique_ptr<DiskBackend>> open_described(const OpenRequest& request,
                                                    Descriptor descriptor) {
  VMLIFT_CHECK(require_sane_size(descriptor, request.options.limits));
  Image::Facts facts{.subformat = descriptor.create_type};
  for (const ExtentLine& line : descriptor.extents) {
    if (!line.file.empty()) facts.files.push_back(line.file);
    if (line.access == ExtentLine::Access::none) {
      facts.warnings.push_back(fmt::format(
          "the extent in line {} of the descriptor has no access: it reads as zeros", line.line));
    }
  }
  VMLIFT_TRY(auto parent, open_parent(request, descriptor, facts.warnings));
  facts.descriptor = descriptor;
  auto image = std::make_unique<Image>(std::move(facts), std::move(parent));
  ExtentOpener opener(request, descriptor);
  for (const ExtentLine& line : descriptor.extents) {
    VMLIFT_TRY(auto reader, opener.open(line, image->below()));
    image->append(std::move(reader), line.sectors * kSector);
  }
  return image;
}

/// A file that is a whole disk, or one extent opened by itself.
Result<std::unique_ptr<DiskBackend>> open_hosted(const OpenRequest& request) {
  const Limits& limits = request.options.limits;
  VMLIFT_TRY(const SparseHeader header, read_header(*request.file, limits));
  std::optional<Descriptor> descriptor;
  if (header.descriptor_offset != 0 && header.descriptor_size != 0) {
    VMLIFT_TRY(descriptor, read_embedded(*request.file, header, limits));
  }
  const bool lists_bytes =
      descriptor && std::ranges::any_of(descriptor->extents,
                                        [](const ExtentLine& line) { return line.sectors != 0; });
  if (header.capacity == 0 && lists_bytes) {
    return open_described(request, *std::move(descriptor));
  }
  Image::Facts facts{.subformat = header.compressed() ? "streamOptimized" : "monolithicSparse"};
  facts.header_version = header.version;
  facts.unclean = header.unclean_shutdown;
  if (facts.unclean) {
    facts.warnings.push_back("the disk was not closed cleanly; its last writes may be missing");
  }
  std::unique_ptr<Disk> parent;
  if (descriptor) {
    // The extent it lists is this very file, under a name that copies and renames made stale.
    for (const ExtentLine& line : descriptor->extents) {
      if (line.type != Type::sparse) {
        return fail(ErrorCode::BadDescriptor,
                    "the descriptor inside a sparse extent lists an extent of type {}",
                    type_word(line.type));
      }
    }
    facts.subformat = descriptor->create_type;
    VMLIFT_TRY(parent, open_parent(request, *descriptor, facts.warnings));
  } else {
    facts.warnings.push_back(
        "the file has no descriptor: it may be one extent of several; open the disk's .vmdk "
        "that names them");
  }
  facts.descriptor = std::move(descriptor);
  auto image = std::make_unique<Image>(std::move(facts), std::move(parent));
  if (header.capacity == 0) return image;
  VMLIFT_TRY(auto map, open_sparse_map(request.file, header, request.options, image->has_parent()));
  image->append(std::make_unique<SparseExtent>(std::move(map), image->below()),
                header.capacity_bytes());
  return image;
}

/// A delta of ESX without its descriptor.
Result<std::unique_ptr<DiskBackend>> open_lone_delta(const OpenRequest& request, bool cowd) {
  const Limits& limits = request.options.limits;
  Image::Facts facts{.subformat = cowd ? "vmfsSparse" : "seSparse"};
  std::unique_ptr<Disk> parent;
  if (cowd) {
    VMLIFT_TRY(const std::string name, cowd_parent_name(*request.file));
    if (!name.empty()) {
      VMLIFT_TRY(parent, request.references.open_parent(name, ""));
    }
  }
  facts.warnings.push_back(
      "the file has no descriptor: what it does not hold reads as zeros unless its header names "
      "a parent; open the .vmdk that names it");
  auto image = std::make_unique<Image>(std::move(facts), std::move(parent));
  VMLIFT_TRY(auto map,
             cowd ? open_cowd_map(request.file, limits) : open_se_sparse_map(request.file, limits));
  const std::uint64_t capacity = map->geometry().capacity;
  image->append(std::make_unique<SparseExtent>(std::move(map), image->below()), capacity);
  return image;
}

}  // namespace

bool probe_vmdk(std::span<const std::byte> head) {
  return is_sparse_header(head) || is_cowd(head) || is_se_sparse(head) ||
         is_descriptor(as_text(head));
}

Result<std::unique_ptr<DiskBackend>> open_vmdk(const OpenRequest& request) {
  if (request.options.writable) {
    return fail(ErrorCode::UnsupportedFeature, "a VMDK is never written in place; convert it");
  }
  std::array<std::byte, 4096> raw{};
  VMLIFT_TRY(const std::size_t got, request.file->read_some(0, raw));
  const auto head = std::span<const std::byte>(raw).first(got);
  if (is_sparse_header(head)) return open_hosted(request);
  if (is_cowd(head)) return open_lone_delta(request, true);
  if (is_se_sparse(head)) return open_lone_delta(request, false);
  if (!is_descriptor(as_text(head))) {
    return fail(ErrorCode::BadMagic,
                "no VMDK: neither a sparse extent nor a descriptor. A -flat.vmdk is the raw "
                "bytes of a disk; open the small .vmdk that names it");
  }
  const Limits& limits = request.options.limits;
  VMLIFT_TRY(const std::uint64_t size, request.file->size());
  if (size > limits.descriptor) {
    return fail(ErrorCode::Limit, "a descriptor of {} bytes, allowed are {}", size,
                limits.descriptor);
  }
  Bytes text(size);
  VMLIFT_CHECK(request.file->read(0, text));
  VMLIFT_TRY(auto descriptor, parse_descriptor(as_text(text), limits));
  if (descriptor.extents.empty()) {
    return fail(ErrorCode::BadDescriptor, "the descriptor lists no extent");
  }
  return open_described(request, std::move(descriptor));
}

}  // namespace vmlift::vmdk
