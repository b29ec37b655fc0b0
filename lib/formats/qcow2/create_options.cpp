#include "formats/qcow2/create_options.hpp"

#include <charconv>
#include <string_view>

#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

// QEMU refuses a larger L1 table.
constexpr std::uint64_t kMaxL1Bytes = std::uint64_t{32} << 20;

class Reader {
 public:
  explicit Reader(const std::map<std::string, std::string>& options) : options_(options) {}

  std::optional<std::string_view> text(const char* name) const {
    const auto found = options_.find(name);
    if (found == options_.end()) return std::nullopt;
    return found->second;
  }

  Result<std::uint64_t> number(const char* name, std::uint64_t otherwise) const {
    const auto value = text(name);
    if (!value) return otherwise;
    std::uint64_t number = 0;
    const char* const end = value->data() + value->size();
    const auto [rest, status] = std::from_chars(value->data(), end, number);
    std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
    unsigned shift = 0;
    if (suffix == "k" || suffix == "K") shift = 10;
    if (suffix == "m" || suffix == "M") shift = 20;
    if (status != std::errc{} || (shift == 0 && !suffix.empty()) || number > 0xffffffff) {
      return wrong(name, *value);
    }
    return number << shift;
  }

  Result<bool> flag(const char* name) const {
    const auto value = text(name).value_or("off");
    if (value == "on" || value == "true") return true;
    if (value == "off" || value == "false") return false;
    return wrong(name, value);
  }

  /// The position of the option's value in `names`.
  Result<std::size_t> choice(const char* name, std::initializer_list<std::string_view> names,
                             std::size_t otherwise) const {
    const auto value = text(name);
    if (!value) return otherwise;
    std::size_t position = 0;
    for (const std::string_view known : names) {
      if (known == *value) return position;
      ++position;
    }
    return wrong(name, *value);
  }

  static std::unexpected<Error> wrong(std::string_view name, std::string_view value) {
    std::string_view takes;
    for (const FormatOption& option : kOptions) {
      if (option.name == name) takes = option.values;
    }
    return fail(ErrorCode::InvalidArgument, "option {} takes {}, not '{}'", name, takes, value);
  }

 private:
  const std::map<std::string, std::string>& options_;
};

Result<void> read_backing(const Reader& reader, Header& header) {
  const auto name = reader.text("backing_file").value_or("");
  const auto format = reader.text("backing_fmt");
  if (name.empty()) {
    if (!format) return {};
    return fail(ErrorCode::InvalidArgument, "backing_fmt is given without backing_file");
  }
  if (!format || format->empty()) {
    return fail(ErrorCode::InvalidArgument,
                "backing_file needs backing_fmt: guessing a parent's format is unsafe");
  }
  if (name.size() > kMaxBackingName) {
    return fail(ErrorCode::InvalidArgument, "the name of backing_file is longer than {} bytes",
                kMaxBackingName);
  }
  header.backing_name = name;
  header.backing_format = *format;
  return {};
}

Result<void> need_version3(const Header& header, const char* option) {
  if (header.geometry.version == 3) return {};
  return fail(ErrorCode::InvalidArgument, "{} needs compat=1.1", option);
}

Result<void> read_data_file(const Reader& reader, NewImage& image) {
  const auto name = reader.text("data_file").value_or("");
  VMLIFT_TRY(const bool raw, reader.flag("data_file_raw"));
  if (name.empty()) {
    if (!raw) return {};
    return fail(ErrorCode::InvalidArgument, "data_file_raw is given without data_file");
  }
  Header& header = image.header;
  VMLIFT_CHECK(need_version3(header, "data_file"));
  if (image.compress) {
    return fail(ErrorCode::InvalidArgument, "a data file holds no compressed clusters");
  }
  if (raw && !header.backing_name.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "a data file that is a raw disk (data_file_raw) cannot show a backing file");
  }
  header.data_file_name = name;
  header.geometry.data_file = true;
  header.incompatible |= incompatible::kDataFile;
  if (raw) header.autoclear |= autoclear::kDataFileRaw;
  return {};
}

Result<void> read_effort(const Reader& reader, NewImage& image) {
  if (const auto name = reader.text("compression")) {
    const auto effort = effort_named(*name);
    if (!effort) return Reader::wrong("compression", *name);
    image.effort = *effort;
  }
  if (!reader.text("compression_level")) return {};
  const std::uint64_t highest = image.header.compression == CompressionType::zstd ? 19 : 12;
  VMLIFT_TRY(const std::uint64_t level, reader.number("compression_level", 0));
  if (level < 1 || level > highest) {
    return Reader::wrong("compression_level", *reader.text("compression_level"));
  }
  image.compression_level = static_cast<int>(level);
  return {};
}

}  // namespace

Result<NewImage> parse_create_options(const CreateOptions& options) {
  const Reader reader(options.options);
  NewImage image;
  image.compress = options.compress;
  Header& header = image.header;
  Geometry& geometry = header.geometry;
  geometry.size = options.size;

  VMLIFT_TRY(const std::size_t compat, reader.choice("compat", {"0.10", "v2", "1.1", "v3"}, 2));
  geometry.version = compat < 2 ? 2 : 3;

  VMLIFT_TRY(const std::uint64_t cluster_size, reader.number("cluster_size", 64 << 10));
  if (!std::has_single_bit(cluster_size) || cluster_size > std::uint64_t{1} << kMaxClusterBits ||
      cluster_size < std::uint64_t{1} << kMinClusterBits) {
    return Reader::wrong("cluster_size", *reader.text("cluster_size"));
  }
  geometry.cluster_bits = static_cast<unsigned>(std::countr_zero(cluster_size));

  VMLIFT_TRY(const std::size_t compression, reader.choice("compression_type", {"zlib", "zstd"}, 0));
  if (compression == 1) {
    VMLIFT_CHECK(need_version3(header, "compression_type=zstd"));
    header.compression = CompressionType::zstd;
    header.incompatible |= incompatible::kCompressionType;
  }
  VMLIFT_CHECK(read_effort(reader, image));

  VMLIFT_TRY(const std::uint64_t refcount_bits, reader.number("refcount_bits", 16));
  if (!std::has_single_bit(refcount_bits) || refcount_bits > 64) {
    return Reader::wrong("refcount_bits", *reader.text("refcount_bits"));
  }
  if (refcount_bits != 16) VMLIFT_CHECK(need_version3(header, "refcount_bits"));
  header.refcount_order = static_cast<std::uint32_t>(std::countr_zero(refcount_bits));

  VMLIFT_TRY(geometry.extended_l2, reader.flag("extended_l2"));
  if (geometry.extended_l2) {
    VMLIFT_CHECK(need_version3(header, "extended_l2"));
    if (geometry.cluster_bits < kMinExtendedClusterBits) {
      return fail(ErrorCode::InvalidArgument, "extended_l2 needs a cluster_size of 16k or more");
    }
    header.incompatible |= incompatible::kExtendedL2;
  }
  VMLIFT_TRY(const bool lazy, reader.flag("lazy_refcounts"));
  if (lazy) {
    VMLIFT_CHECK(need_version3(header, "lazy_refcounts"));
    header.compatible |= compatible::kLazyRefcounts;
  }
  VMLIFT_TRY(const std::size_t preallocation,
             reader.choice("preallocation", {"off", "metadata", "falloc", "full"}, 0));
  image.preallocation = static_cast<Preallocation>(preallocation);
  if (image.preallocation != Preallocation::off && image.compress) {
    return fail(ErrorCode::InvalidArgument, "preallocation and compression exclude each other");
  }
  VMLIFT_CHECK(read_backing(reader, header));
  VMLIFT_CHECK(read_data_file(reader, image));
  if (image.preallocation != Preallocation::off && !header.backing_name.empty()) {
    return fail(ErrorCode::UnsupportedFeature,
                "preallocation with a backing file is not written: it would hide the file");
  }
  if (geometry.size > std::uint64_t{1} << 62 || geometry.l1_entries() * 8 > kMaxL1Bytes) {
    return fail(ErrorCode::InvalidArgument,
                "a disk of {} bytes needs larger clusters than {} bytes (cluster_size)",
                geometry.size, geometry.cluster_size());
  }
  header.l1_size = static_cast<std::uint32_t>(geometry.l1_entries());
  VMLIFT_CHECK(header.encode());
  return image;
}

}  // namespace vmlift::qcow2
