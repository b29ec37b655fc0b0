#include "io/source.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/fail.hpp"
#include "io/posix_file.hpp"

namespace vmlift {

Result<std::shared_ptr<File>> open_source(const std::string& location, bool writable,
                                          const Limits&) {
  // O_NONBLOCK: a FIFO is refused below instead of hanging here.
  const int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Descriptor descriptor(::open(location.c_str(), flags));
  if (!descriptor) return std::unexpected(os_error(errno, "opening").in(location));
  VMLIFT_CHECK(require_storage(descriptor.get(), location, true));
  return std::make_shared<PosixFile>(std::move(descriptor), location, writable);
}

}  // namespace vmlift
