// Machines on their host.
#include <array>
#include <string>
#include <vmlift/host.hpp>

#include "border.hpp"

using namespace vmlift::capi;
using vmlift::LibvirtHost;
using vmlift::Result;

vmlift_code vmlift_vm_define(const char* domain, const char* connection, char** uuid,
                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (uuid != nullptr) *uuid = nullptr;
    if (auto given = required(domain); !given) return given;
    auto host = LibvirtHost::connect(connection == nullptr ? "" : connection);
    if (!host) return std::unexpected(std::move(host).error());
    auto defined = host->define(std::array{std::string(domain)});
    if (!defined) return std::unexpected(std::move(defined).error());
    if (uuid != nullptr) *uuid = copied(defined->front().uuid);
    return {};
  });
}

vmlift_code vmlift_host_capabilities(const char* connection, const char* hypervisor, char** xml,
                                     vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(hypervisor, xml); !given) return given;
    *xml = nullptr;
    auto host = LibvirtHost::connect(connection == nullptr ? "" : connection);
    if (!host) return std::unexpected(std::move(host).error());
    auto text = host->capabilities(hypervisor);
    if (!text) return std::unexpected(std::move(text).error());
    *xml = copied(*text);
    return {};
  });
}
