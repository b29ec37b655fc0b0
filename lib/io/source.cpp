#include "io/source.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string_view>

#include "base/fail.hpp"
#include "io/archive.hpp"
#include "io/lock.hpp"
#include "io/posix_file.hpp"
#include "io/spooled_file.hpp"

namespace vmlift {
namespace {

Result<std::shared_ptr<File>> open_path(const std::string& path, bool writable) {
  // O_NONBLOCK: a FIFO is refused below instead of hanging here.
  const int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Descriptor descriptor(::open(path.c_str(), flags));
  if (!descriptor) return std::unexpected(os_error(errno, "opening").in(path));
  VMLIFT_CHECK(require_storage(descriptor.get(), path, true));
  VMLIFT_CHECK(lock_image(descriptor.get(), path, writable));
  return std::make_shared<PosixFile>(std::move(descriptor), path, writable);
}

Result<std::shared_ptr<File>> open_member(std::shared_ptr<File> package, std::string_view member,
                                          bool writable, const Limits& limits) {
  if (writable) {
    return std::unexpected(error(ErrorCode::Permission, "a member of an archive can only be read")
                               .in(fmt::format("{}!{}", package->path(), member)));
  }
  VMLIFT_TRY(auto tar, expand_by_bytes(std::move(package), limits));
  VMLIFT_TRY(const auto archive, Archive::open(std::move(tar), limits));
  VMLIFT_TRY(auto file, ArchiveFolder(archive).open(member));
  return expand_by_name(std::move(file), limits);
}

}  // namespace

Result<std::shared_ptr<File>> open_source(const std::string& location, bool writable,
                                          const Limits& limits) {
  auto whole = open_path(location, writable);
  if (whole) {
    if (writable && wrapping_of_name(location)) {
      return std::unexpected(
          error(ErrorCode::Permission, "a compressed file can only be read").in(location));
    }
    return expand_by_name(*std::move(whole), limits);
  }
  if (whole.error().code() != ErrorCode::NotFound) return whole;
  // A file whose own name has a '!' was found above. The first '!' behind an existing file
  // parts the archive from its member.
  for (std::size_t mark = location.find('!'); mark != std::string::npos;
       mark = location.find('!', mark + 1)) {
    auto package = open_path(location.substr(0, mark), false);
    if (package) {
      return open_member(*std::move(package), std::string_view(location).substr(mark + 1), writable,
                         limits);
    }
  }
  return whole;
}

}  // namespace vmlift
