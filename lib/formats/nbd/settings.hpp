// How a server is reached, as the caller wants it: connections, timeout, TLS keys.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "formats/nbd/uri.hpp"
#include "vmlift/error.hpp"

namespace vmlift::nbd {

struct Settings {
  std::chrono::seconds timeout{};
  std::size_t connections = 4;  ///< at most; more gain nothing against one server
  std::string tls_certificates;
  std::string tls_psk_file;
  std::string tls_username;
  bool tls_verify_peer = true;
};

/// Reads the format's options. Errors: InvalidArgument, also for TLS keys at a URI without TLS;
/// NotFound for keys that are not there.
Result<Settings> read_settings(const Uri& uri, const std::map<std::string, std::string>& options,
                               std::chrono::seconds timeout);

}  // namespace vmlift::nbd
