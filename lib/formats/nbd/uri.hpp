// NBD URIs under the policy: TCP and Unix sockets, with and without TLS, and nothing else.
#pragma once

#include <string>

#include "vmlift/error.hpp"

namespace vmlift::nbd {

struct Uri {
  std::string text;  ///< as the caller gave it; libnbd takes it apart
  bool tls = false;
  bool unix_socket = false;
};

/// Errors: InvalidArgument for what is no NBD URI; ReferenceDenied for transports that run a
/// command, and for a host that a command would take for an option.
Result<Uri> parse_uri(const std::string& text);

}  // namespace vmlift::nbd
