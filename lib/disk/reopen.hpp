// Reading a target that has no name yet. Declared here, defined beside the table of formats, as
// open_disk is: the gate itself knows no format.
#pragma once

#include <memory>

#include "vmlift/format.hpp"

namespace vmlift {

Result<std::unique_ptr<Disk>> reopen_target(const Format& format,
                                            std::shared_ptr<TargetFile> target);

}  // namespace vmlift
