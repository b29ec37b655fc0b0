// Open, create, copy, commit: `vmlift convert` in one call.
#include "base/fail.hpp"
#include "vmlift/copy.hpp"

namespace vmlift {

Result<CopyReport> convert(const ConvertRequest& request) {
  VMLIFT_TRY(const auto source, open_disk(request.source, request.source_options));
  CreateOptions create = request.target_options;
  if (create.size == 0) create.size = source->size();
  VMLIFT_TRY(const auto target, create_disk(request.target, request.target_format, create));
  return copy_disk(*source, *target, request.copy);
}

}  // namespace vmlift
