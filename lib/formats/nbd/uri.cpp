#include "formats/nbd/uri.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

struct Scheme {
  std::string_view name;
  bool tls;
  bool unix_socket;
};
constexpr std::array kSchemes = {
    Scheme{"nbd", false, false},
    Scheme{"nbds", true, false},
    Scheme{"nbd+unix", false, true},
    Scheme{"nbds+unix", true, true},
};

/// The host of "//user@host:port/export?query", still percent-encoded.
std::string_view host_of(std::string_view behind_scheme) {
  std::string_view authority = behind_scheme.substr(2);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t user = authority.rfind('@');
  return user == std::string_view::npos ? authority : authority.substr(user + 1);
}

bool begins_with_dash(std::string_view host) {
  return host.starts_with('-') || host.starts_with("%2d") || host.starts_with("%2D");
}

}  // namespace

Result<Uri> parse_uri(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  const std::string_view rest = std::string_view(text).substr(std::min(colon + 1, text.size()));
  const auto scheme = std::ranges::find(kSchemes, name, &Scheme::name);
  if (scheme == kSchemes.end()) {
    return fail(ErrorCode::ReferenceDenied,
                "NBD is reached by nbd://, nbds://, nbd+unix:// and nbds+unix:// only, not by "
                "{}:",
                name);
  }
  if (!rest.starts_with("//")) {
    return fail(ErrorCode::InvalidArgument,
                "an NBD location is a URI: {}://HOST/EXPORT or nbd+unix:///EXPORT?socket=PATH",
                name);
  }
  if (std::ranges::any_of(
          text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
    return fail(ErrorCode::InvalidArgument,
                "an NBD URI has no blanks or control characters; write them as %20");
  }
  if (begins_with_dash(host_of(rest))) {
    return fail(ErrorCode::ReferenceDenied, "no host's name begins with '-'");
  }
  return Uri{.text = text, .tls = scheme->tls, .unix_socket = scheme->unix_socket};
}

}  // namespace vmlift::nbd
