#include "formats/rbd/location.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/fail.hpp"

namespace vmlift::rbd {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t slash = text.find('/');
    parts.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<Location> parse_location(const std::string& text) {
  const auto wrong = [] {
    return fail(
        ErrorCode::InvalidArgument,
        "an RBD location is rbd:POOL/IMAGE, rbd:POOL/NAMESPACE/IMAGE or rbd:POOL/IMAGE@SNAP");
  };
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.find(':') + 1, rest.size()));
  if (rest.find_first_of(":\\") != std::string_view::npos) {
    return fail(ErrorCode::ReferenceDenied,
                "an RBD location has no options; the cluster, its user and keyring are found by "
                "CEPH_CONF or given beside it (options conf, id, keyring)");
  }
  if (std::ranges::any_of(
          rest, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return wrong();
  }
  Location location;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    location.snapshot = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (location.snapshot.empty() || location.snapshot.find_first_of("@/") != std::string::npos) {
      return wrong();
    }
  }
  const std::vector<std::string> parts = split(rest);
  if (parts.size() < 2 || parts.size() > 3 || std::ranges::any_of(parts, &std::string::empty)) {
    return wrong();
  }
  location.pool = parts.front();
  location.image = parts.back();
  if (parts.size() == 3) location.name_space = parts[1];
  return location;
}

}  // namespace vmlift::rbd
