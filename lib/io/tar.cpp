#include "io/tar.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/printable.hpp"

namespace vmlift {
namespace {

constexpr std::uint64_t kBlock = 512;
// A pax header is a few short records; nothing that matters here needs more.
constexpr std::uint64_t kPaxLimit = 1 << 20;

using Header = std::span<const std::byte, kBlock>;

// POSIX.1-1988 ustar, "ustar Interchange Format" in POSIX.1-2001 pax.
struct Field {
  std::size_t offset;
  std::size_t length;
};
constexpr Field kName{0, 100};
constexpr Field kSize{124, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kMagic{257, 6};
constexpr Field kPrefix{345, 155};
constexpr std::size_t kTypeOffset = 156;

/// The text of a field, which ends at a NUL or fills it.
std::string_view text_of(Header header, Field field) {
  const std::string_view text = as_text(header.subspan(field.offset, field.length));
  return text.substr(0, text.find('\0'));
}

/// Octal digits with spaces or NULs around them. Nothing: something else.
std::optional<std::uint64_t> octal(std::string_view text) {
  const auto is_padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && is_padding(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_padding(text.back())) text.remove_suffix(1);
  std::uint64_t value = 0;  // twelve digits at most: 36 bits
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// Octal, or GNU's base-256: the top bit of the first byte set, the rest a big-endian number in
/// two's complement. Nothing: negative, above 2^64 or no number.
std::optional<std::uint64_t> number_of(Header header, Field field) {
  const auto bytes = header.subspan(field.offset, field.length);
  const auto first = std::to_integer<std::uint8_t>(bytes.front());
  if ((first & 0x80) == 0) return octal(as_text(bytes));
  if ((first & 0x7f) != 0) return std::nullopt;  // negative (0xff...) or far above 2^64
  std::uint64_t value = 0;
  for (const std::byte byte : bytes.subspan(1)) {
    const auto shifted = checked_multiply<std::uint64_t>(value, 256);
    if (!shifted) return std::nullopt;
    value = *shifted | std::to_integer<std::uint64_t>(byte);
  }
  return value;
}

bool checksum_holds(Header header) {
  const auto stored = octal(as_text(header.subspan(kChecksum.offset, kChecksum.length)));
  std::int64_t plain = 0;
  std::int64_t with_sign = 0;  // what some old writers summed up
  for (std::size_t at = 0; at < kBlock; ++at) {
    const bool own = at >= kChecksum.offset && at < kChecksum.offset + kChecksum.length;
    const auto byte = own ? std::uint8_t{' '} : std::to_integer<std::uint8_t>(header[at]);
    plain += byte;
    with_sign += static_cast<std::int8_t>(byte);
  }
  return stored && (static_cast<std::int64_t>(*stored) == plain ||
                    static_cast<std::int64_t>(*stored) == with_sign);
}

/// `./a//b` is a/b. Nothing: absolute, with `..` or control characters, or no name at all.
std::optional<std::string> plain_name(std::string_view name) {
  if (name.starts_with('/')) return std::nullopt;
  std::string plain;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") return std::nullopt;
    const bool control = std::ranges::any_of(
        part, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (control) return std::nullopt;
    if (!plain.empty()) plain += '/';
    plain += part;
  }
  return plain;
}

class TarReader {
 public:
  TarReader(const File& file, const Limits& limits, std::uint64_t end)
      : file_(file), limits_(limits), end_(end) {}

  Result<std::vector<TarMember>> list() {
    std::uint64_t headers = 0;
    for (;;) {
      std::array<std::byte, kBlock> header;
      if (!within(at_, kBlock, end_)) {
        return std::unexpected(
            broken(ErrorCode::Truncated, "the archive stops without its end marker"));
      }
      VMLIFT_CHECK(file_.read(at_, header));
      if (all_zero(header)) break;
      if (++headers > limits_.members) {
        return std::unexpected(broken(ErrorCode::Limit, "more than {} members", limits_.members));
      }
      VMLIFT_CHECK(take(header));
    }
    if (name_ || size_) {
      return std::unexpected(broken(ErrorCode::BadArchive, "an extended header without member"));
    }
    return std::move(members_);
  }

 private:
  template <class... Args>
  Error broken(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    return error(code, format, std::forward<Args>(args)...).at(at_).in(file_.path());
  }

  /// One header and what follows it.
  Result<void> take(Header header) {
    if (!checksum_holds(header)) {
      return std::unexpected(broken(ErrorCode::BadArchive,
                                    "a member's header is damaged: its "
                                    "checksum does not match"));
    }
    const auto stated = number_of(header, kSize);
    if (!stated) {
      return std::unexpected(
          broken(ErrorCode::BadArchive, "a member's size is negative or no number"));
    }
    const char type = static_cast<char>(header[kTypeOffset]);
    switch (type) {
      case 'L': {
        VMLIFT_TRY(const std::string name, extra(*stated, limits_.name + 1));
        return rename(std::string(name.c_str()));  // ends at its NUL
      }
      case 'K':  // the long target of a link: the link itself is refused when it comes
        VMLIFT_CHECK(extra(*stated, limits_.name + 1));
        return {};
      case 'x': {
        VMLIFT_TRY(const std::string records, extra(*stated, kPaxLimit));
        return take_pax(records, true);
      }
      case 'g': {
        VMLIFT_TRY(const std::string records, extra(*stated, kPaxLimit));
        return take_pax(records, false);
      }
      case 'V':  // a volume label
        at_ += kBlock;
        return {};
      default:
        return member(type, name_ ? *name_ : header_name(header), size_.value_or(*stated));
    }
  }

  static std::string header_name(Header header) {
    std::string name(text_of(header, kName));
    // GNU's magic is "ustar " and has other fields where ustar has its prefix.
    if (as_text(header.subspan(kMagic.offset, kMagic.length)) == std::string_view("ustar\0", 6)) {
      const std::string_view prefix = text_of(header, kPrefix);
      if (!prefix.empty()) name = fmt::format("{}/{}", prefix, name);
    }
    return name;
  }

  Result<void> member(char type, const std::string& stored_name, std::uint64_t size) {
    if (stored_name.size() > limits_.name) {
      return std::unexpected(
          broken(ErrorCode::Limit, "a member's name is longer than {} bytes", limits_.name));
    }
    const std::string shown = printable(stored_name);
    const auto name = plain_name(stored_name);
    if (!name) {
      return std::unexpected(
          broken(ErrorCode::BadArchive, "the member '{}' would lie outside of the archive", shown));
    }
    // Before POSIX a folder was a file whose name ends in a slash.
    const bool plain_type = type == '0' || type == '\0' || type == '7';
    if (type == '5' || (plain_type && stored_name.ends_with('/'))) {
      if (size != 0) {
        return std::unexpected(broken(ErrorCode::BadArchive, "the folder '{}' has bytes", shown));
      }
      return advance(0);
    }
    if (type == 'S' || type == 'M') {
      return std::unexpected(broken(ErrorCode::UnsupportedFeature,
                                    "the member '{}' is {}; pack it again as a plain file", shown,
                                    type == 'S' ? "stored sparse" : "part of another volume"));
    }
    if (!plain_type) {
      return std::unexpected(
          broken(ErrorCode::BadArchive, "the member '{}' is {}, no plain file", shown, kind(type)));
    }
    if (name->empty()) {
      return std::unexpected(broken(ErrorCode::BadArchive, "a member has no name"));
    }
    if (!names_.insert(*name).second) {
      return std::unexpected(broken(ErrorCode::BadArchive, "the member '{}' occurs twice", shown));
    }
    if (!within(at_ + kBlock, size, end_)) {
      return std::unexpected(broken(ErrorCode::Truncated,
                                    "the member '{}' has {} bytes, the archive ends before", shown,
                                    size));
    }
    members_.push_back({*name, {at_ + kBlock, size}});
    return advance(size);
  }

  static std::string kind(char type) {
    switch (type) {
      case '1':
        return "a hard link";
      case '2':
        return "a symbolic link";
      case '3':
      case '4':
        return "a device";
      case '6':
        return "a FIFO";
      default:
        return fmt::format("of the unknown type {:#04x}", static_cast<unsigned char>(type));
    }
  }

  /// Goes on behind a member's header and its `size` bytes, which lie within the file.
  Result<void> advance(std::uint64_t size) {
    at_ += kBlock + units_for(size, kBlock) * kBlock;
    name_.reset();
    size_.reset();
    return {};
  }

  /// The bytes of a member that describes the next one.
  Result<std::string> extra(std::uint64_t size, std::uint64_t limit) {
    if (size > limit) {
      return std::unexpected(
          broken(ErrorCode::Limit, "an extended header of {} bytes, allowed are {}", size, limit));
    }
    if (!within(at_ + kBlock, size, end_)) {
      return std::unexpected(broken(ErrorCode::Truncated, "an extended header is cut short"));
    }
    std::string content(size, '\0');
    VMLIFT_CHECK(file_.read(at_ + kBlock, std::as_writable_bytes(std::span(content))));
    at_ += kBlock + units_for(size, kBlock) * kBlock;
    return content;
  }

  Result<void> rename(std::string name) {
    if (name_) return std::unexpected(broken(ErrorCode::BadArchive, "a member is named twice"));
    name_ = std::move(name);
    return {};
  }

  /// Records "LENGTH KEY=VALUE\n", the length counting itself.
  Result<void> take_pax(std::string_view records, bool local) {
    while (!records.empty()) {
      const std::size_t space = records.find(' ');
      const auto length = decimal(records.substr(0, space));
      if (space == std::string_view::npos || !length || *length <= space + 1 ||
          *length > records.size() || records[*length - 1] != '\n') {
        return std::unexpected(broken(ErrorCode::BadArchive, "a damaged pax header"));
      }
      const std::string_view record = records.substr(space + 1, *length - space - 2);
      records.remove_prefix(*length);
      const std::size_t equals = record.find('=');
      if (equals == std::string_view::npos) {
        return std::unexpected(broken(ErrorCode::BadArchive, "a pax record without '='"));
      }
      VMLIFT_CHECK(take_pax_record(record.substr(0, equals), record.substr(equals + 1), local));
    }
    return {};
  }

  Result<void> take_pax_record(std::string_view key, std::string_view value, bool local) {
    if (key.starts_with("GNU.sparse.")) {
      return std::unexpected(broken(ErrorCode::UnsupportedFeature,
                                    "a member is stored sparse; pack it again as a plain file"));
    }
    if (key != "path" && key != "size") return {};
    if (!local) {
      return std::unexpected(
          broken(ErrorCode::BadArchive, "a global header gives every member the same {}", key));
    }
    if (key == "path") return rename(std::string(value));
    if (size_) return std::unexpected(broken(ErrorCode::BadArchive, "a member has two sizes"));
    size_ = decimal(value);
    if (!size_) {
      return std::unexpected(broken(ErrorCode::BadArchive,
                                    "a member's size is negative, too "
                                    "large or no number"));
    }
    return {};
  }

  static std::optional<std::uint64_t> decimal(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      const auto tenfold = checked_multiply<std::uint64_t>(value, 10);
      const auto sum =
          tenfold ? checked_add(*tenfold, static_cast<std::uint64_t>(c - '0')) : std::nullopt;
      if (!sum) return std::nullopt;
      value = *sum;
    }
    return value;
  }

  const File& file_;
  const Limits& limits_;
  const std::uint64_t end_;
  std::uint64_t at_ = 0;
  // What an extended header said about the member that follows.
  std::optional<std::string> name_;
  std::optional<std::uint64_t> size_;
  std::vector<TarMember> members_;
  std::unordered_set<std::string> names_;
};

}  // namespace

bool is_tar(std::span<const std::byte> head) {
  if (head.size() < kBlock) return false;
  const Header header = head.first<kBlock>();
  return !all_zero(header) && checksum_holds(header);
}

Result<std::vector<TarMember>> list_tar(const File& file, const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t end, file.size());
  return TarReader(file, limits, end).list();
}

}  // namespace vmlift
