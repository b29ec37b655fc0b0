#include "codec/stream.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace vmlift {
namespace {

struct Kind {
  Wrapping wrapping;
  std::string_view name;
  std::string_view extension;
  std::string_view magic;
};

constexpr std::array<Kind, 3> kKinds = {{
    {Wrapping::gzip, "gzip", ".gz", "\x1f\x8b"},
    {Wrapping::xz, "xz", ".xz",
     std::string_view("\xfd"
                      "7zXZ\0",
                      6)},
    {Wrapping::zstd, "zstd", ".zst", "\x28\xb5\x2f\xfd"},
}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view wrapping_name(Wrapping wrapping) noexcept {
  return std::ranges::find(kKinds, wrapping, &Kind::wrapping)->name;
}

std::optional<Wrapping> wrapping_of_name(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (name.size() > kind.extension.size() &&
        std::ranges::equal(name.substr(name.size() - kind.extension.size()), kind.extension, {},
                           lower)) {
      return kind.wrapping;
    }
  }
  return std::nullopt;
}

std::optional<Wrapping> wrapping_of_bytes(std::span<const std::byte> head) {
  for (const Kind& kind : kKinds) {
    if (as_text(head).starts_with(kind.magic)) return kind.wrapping;
  }
  return std::nullopt;
}

std::unique_ptr<StreamDecoder> StreamDecoder::make(Wrapping wrapping, std::uint64_t memory) {
  switch (wrapping) {
    case Wrapping::gzip:
      return make_gzip_stream();
    case Wrapping::xz:
      return make_xz_stream(memory);
    case Wrapping::zstd:
      break;
  }
  return make_zstd_stream(memory);
}

}  // namespace vmlift
