// Open, create, copy, commit: `vmlift convert` in one call.
#include "base/fail.hpp"
#include "vmlift/copy.hpp"

namespace vmlift {

Result<CopyReport> convert(const ConvertRequest& request) {
  OpenOptions opening = request.source_options;
  if (!opening.stop.stop_possible()) opening.stop = request.copy.stop;
  // Some formats are known only when all of a compressed file is expanded, which may take long.
  bool open = false;
  if (!opening.expanding && request.copy.progress) {
    opening.expanding = [&](std::uint64_t done, std::uint64_t total) {
      if (!open) request.copy.progress({done, total});
    };
  }
  VMLIFT_TRY(const auto source, open_disk(request.source, opening));
  open = true;
  CreateOptions create = request.target_options;
  if (create.size == 0) create.size = source->size();
  VMLIFT_TRY(const auto target, create_disk(request.target, request.target_format, create));
  return copy_disk(*source, *target, request.copy);
}

}  // namespace vmlift
