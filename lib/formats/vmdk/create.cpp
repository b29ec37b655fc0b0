#include "formats/vmdk/create.hpp"

#include "base/fail.hpp"
#include "formats/vmdk/flat_writer.hpp"
#include "formats/vmdk/sparse_writer.hpp"
#include "formats/vmdk/stream_writer.hpp"
#include "io/folder.hpp"

namespace vmlift::vmdk {

Result<std::unique_ptr<DiskBackend>> create_vmdk(const CreateRequest& request) {
  VMLIFT_TRY(const NewImage image, parse_create_options(request.options));
  if (!request.file->fresh()) {
    return fail(ErrorCode::UnsupportedFeature,
                "a VMDK is written to a new file, not onto a device");
  }
  const std::string name(base_name(request.location));
  switch (image.kind) {
    case Kind::stream_optimized:
      return create_stream(request.file, image, name);
    case Kind::monolithic_sparse:
    case Kind::two_gb_sparse:
      return create_sparse(request.file, image, name);
    default:
      return create_flat(request.file, image, name);
  }
}

}  // namespace vmlift::vmdk
