#include "formats/nbd/settings.hpp"

#include <charconv>
#include <filesystem>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

constexpr std::size_t kMostConnections = 16;

Result<void> must_exist(const std::string& path, bool folder) {
  std::error_code ignored;
  if (folder ? std::filesystem::is_directory(path, ignored)
             : std::filesystem::is_regular_file(path, ignored)) {
    return {};
  }
  return fail(ErrorCode::NotFound, "there is no {} of TLS keys at '{}'", folder ? "folder" : "file",
              path);
}

}  // namespace

Result<Settings> read_settings(const Uri& uri, const std::map<std::string, std::string>& options,
                               std::chrono::seconds timeout) {
  Settings settings{.timeout = timeout};
  for (const auto& [name, value] : options) {
    if (name == "connections") {
      const char* const end = value.data() + value.size();
      const auto [rest, status] = std::from_chars(value.data(), end, settings.connections);
      if (status != std::errc{} || rest != end || settings.connections == 0 ||
          settings.connections > kMostConnections) {
        return fail(ErrorCode::InvalidArgument, "connections is a number from 1 to {}, not '{}'",
                    kMostConnections, value);
      }
      continue;
    }
    if (!uri.tls) {
      return fail(ErrorCode::InvalidArgument,
                  "{} is given, but the location demands no TLS; write nbds:// or nbds+unix://",
                  name);
    }
    if (name == "tls-certificates") {
      VMLIFT_CHECK(must_exist(value, true));
      settings.tls_certificates = value;
    } else if (name == "tls-psk-file") {
      VMLIFT_CHECK(must_exist(value, false));
      settings.tls_psk_file = value;
    } else if (name == "tls-username") {
      settings.tls_username = value;
    } else if (name == "tls-verify-peer") {
      if (value != "yes" && value != "no") {
        return fail(ErrorCode::InvalidArgument, "tls-verify-peer is yes or no, not '{}'", value);
      }
      settings.tls_verify_peer = value == "yes";
    }
  }
  return settings;
}

}  // namespace vmlift::nbd
