// Asking whether a disk could be created, before anything is. Declared here, defined beside the
// table of formats, as create_disk is.
#pragma once

#include "vmlift/disk.hpp"

namespace vmlift {

/// What create_disk would find before it changes anything: an unknown option, a target that is
/// there already, a server that cannot be reached or has no room. Errors: those of create_disk.
Result<void> check_target(const std::string& location, std::string_view format,
                          const CreateOptions& options);

}  // namespace vmlift
