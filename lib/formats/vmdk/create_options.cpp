#include "formats/vmdk/create_options.hpp"

#include <algorithm>
#include <charconv>

#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr std::array kKinds = {
    KindName{"monolithicSparse", Kind::monolithic_sparse},
    KindName{"monolithicFlat", Kind::monolithic_flat},
    KindName{"twoGbMaxExtentSparse", Kind::two_gb_sparse},
    KindName{"twoGbMaxExtentFlat", Kind::two_gb_flat},
    KindName{"streamOptimized", Kind::stream_optimized},
    KindName{"vmfs", Kind::vmfs},
};

std::unexpected<Error> wrong(std::string_view name, std::string_view value) {
  const auto option = std::ranges::find(kOptions, name, &FormatOption::name);
  return fail(ErrorCode::InvalidArgument, "option {} takes {}, not '{}'", name, option->values,
              value);
}

Result<std::uint32_t> number(std::string_view name, std::string_view value) {
  std::uint32_t parsed = 0;
  const auto [end, trouble] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (trouble != std::errc() || end != value.data() + value.size()) return wrong(name, value);
  return parsed;
}

Result<bool> flag(std::string_view name, std::string_view value) {
  if (value == "on" || value == "true") return true;
  if (value == "off" || value == "false") return false;
  return wrong(name, value);
}

Result<void> take(NewImage& image, std::string_view name, const std::string& value) {
  if (name == "subformat") {
    const auto known = std::ranges::find(kKinds, value, &KindName::name);
    if (known == kKinds.end()) return wrong(name, value);
    image.kind = known->kind;
  } else if (name == "adapter_type") {
    constexpr std::array<std::string_view, 4> kAdapters = {"ide", "buslogic", "lsilogic",
                                                           "legacyESX"};
    if (std::ranges::find(kAdapters, value) == kAdapters.end()) return wrong(name, value);
    image.adapter_type = value;
  } else if (name == "hwversion") {
    VMLIFT_CHECK(number(name, value));
    image.hardware_version = value;
  } else if (name == "compat6") {
    VMLIFT_TRY(const bool on, flag(name, value));
    if (on) image.hardware_version = "6";
  } else if (name == "toolsversion") {
    VMLIFT_CHECK(number(name, value));
    image.tools_version = value;
  } else if (name == "zeroed_grain") {
    VMLIFT_TRY(image.zero_grains, flag(name, value));
  } else if (name == "compression") {
    const auto effort = effort_named(value);
    if (!effort) return wrong(name, value);
    image.effort = *effort;
  } else if (name == "compression_level") {
    VMLIFT_TRY(const std::uint32_t level, number(name, value));
    if (level < 1 || level > 12) return wrong(name, value);
    image.compression_level = static_cast<int>(level);
  }
  return {};
}

}  // namespace

std::string_view kind_name(Kind kind) {
  return std::ranges::find(kKinds, kind, &KindName::kind)->name;
}

Result<NewImage> parse_create_options(const CreateOptions& options) {
  NewImage image;
  // Only a stream has compressed grains.
  if (options.compress) image.kind = Kind::stream_optimized;
  for (const auto& [name, value] : options.options) VMLIFT_CHECK(take(image, name, value));

  const bool stream = image.kind == Kind::stream_optimized;
  if (options.compress && !stream) {
    return fail(ErrorCode::InvalidArgument, "only subformat streamOptimized is compressed, not {}",
                kind_name(image.kind));
  }
  if (!stream &&
      (options.options.contains("compression") || options.options.contains("compression_level"))) {
    return fail(ErrorCode::InvalidArgument, "subformat {} is not compressed",
                kind_name(image.kind));
  }
  if (options.size > options.limits.virtual_size) {
    return fail(ErrorCode::Limit, "a disk of {} bytes; allowed are {}", options.size,
                options.limits.virtual_size);
  }
  image.sectors = units_for(options.size, kSector);
  return image;
}

}  // namespace vmlift::vmdk
