// libvirt's errors as vmlift's.
#pragma once

#include <string_view>

#include "host/libvirt.hpp"

namespace vmlift::host {

/// The last error of this thread, with libvirt's own words. `activity`: "connecting".
Error last_error(const Libvirt& libvirt, std::string_view activity);

}  // namespace vmlift::host
