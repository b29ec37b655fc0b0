// The .mf of a package. OVF writes `SHA256(disk1.vmdk)= 0123...`; exporters put spaces, another
// case or "SHA-256" there, and all of it is read.
#include <algorithm>
#include <map>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "codec/digest.hpp"
#include "vmlift/package.hpp"

namespace vmlift {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::size_t hex_length(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::sha1:
      return 40;
    case DigestAlgorithm::sha512:
      return 128;
    default:
      return 64;
  }
}

/// Lower-case hex, or nothing.
std::optional<std::string> hex(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
      lower += c;
    } else if (c >= 'A' && c <= 'F') {
      lower += static_cast<char>(c - 'A' + 'a');
    } else {
      return std::nullopt;
    }
  }
  return lower;
}

/// One line that is not empty.
Result<ManifestEntry> entry_of(std::string_view line) {
  line = trimmed(line);
  // The file's name may hold '(', ')' and '='; the digest none of them.
  const std::size_t equals = line.rfind('=');
  const std::size_t open = line.find('(');
  if (equals == std::string_view::npos || open > equals) {
    return fail(ErrorCode::BadManifest, "'{}' is not ALGORITHM(file)= digest", printable(line));
  }
  const std::string_view left = trimmed(line.substr(0, equals));
  if (!left.ends_with(')') || left.size() < open + 3) {
    return fail(ErrorCode::BadManifest, "'{}' is not ALGORITHM(file)= digest", printable(line));
  }
  const std::string_view name = trimmed(line.substr(0, open));
  const auto algorithm = digest_algorithm(name);
  if (!algorithm) {
    return fail(ErrorCode::UnsupportedFeature,
                "the digest algorithm '{}'; vmlift checks SHA1, SHA256 and SHA512",
                printable(name));
  }
  const auto digest = hex(trimmed(line.substr(equals + 1)));
  if (!digest || digest->size() != hex_length(*algorithm)) {
    return fail(ErrorCode::BadManifest, "'{}' is no {} digest",
                printable(trimmed(line.substr(equals + 1))), digest_name(*algorithm));
  }
  return ManifestEntry{.file = std::string(left.substr(open + 1, left.size() - open - 2)),
                       .algorithm = *algorithm,
                       .digest = *digest};
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text, std::string name, const Limits& limits) {
  Manifest manifest{.name = std::move(name), .entries = {}};
  std::map<std::pair<std::string, DigestAlgorithm>, std::string> seen;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (trimmed(line).empty()) continue;
    if (line.size() > limits.line) {
      return fail(ErrorCode::Limit, "{}, line {}: longer than {} bytes", manifest.name, number,
                  limits.line);
    }
    if (manifest.entries.size() >= limits.members) {
      return fail(ErrorCode::Limit, "{}: more than {} entries", manifest.name, limits.members);
    }
    auto entry = entry_of(line);
    if (!entry) {
      return std::unexpected(
          std::move(entry).error().during(fmt::format("{}, line {}", manifest.name, number)));
    }
    const auto [known, fresh] =
        seen.emplace(std::pair(entry->file, entry->algorithm), entry->digest);
    if (fresh) {
      manifest.entries.push_back(*std::move(entry));
    } else if (known->second != entry->digest) {
      return fail(ErrorCode::BadManifest, "{}, line {}: a second, different digest of '{}'",
                  manifest.name, number, printable(entry->file));
    }
  }
  return manifest;
}

}  // namespace vmlift
