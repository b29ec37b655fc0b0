#include "io/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/fail.hpp"
#include "io/archive.hpp"
#include "io/lock.hpp"
#include "io/posix_file.hpp"
#include "io/spooled_file.hpp"

namespace vmlift {
namespace {

const std::string kStandardInput = "/dev/stdin";

/// A pipe or socket of the caller's, seen as a file; null for anything else.
Result<std::shared_ptr<File>> open_pipe(Descriptor& descriptor, const std::string& path,
                                        const SourceOptions& options) {
  struct stat status{};
  if (!options.allow_pipes || ::fstat(descriptor.get(), &status) != 0 ||
      !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))) {
    return std::shared_ptr<File>();
  }
  if (options.writable) {
    return std::unexpected(error(ErrorCode::Permission, "a pipe can only be read").in(path));
  }
  return SpooledFile::create(pipe_stream(std::move(descriptor), path, options.watch),
                             options.limits.expanded);
}

Result<std::shared_ptr<File>> open_path(const std::string& path, const SourceOptions& options) {
  // O_NONBLOCK: nothing hangs here; a pipe that is allowed is waited for when it is read.
  const int flags = (options.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Descriptor descriptor(::open(path.c_str(), flags));
  // Standard input opened anew has a position and locks of its own; a socket cannot be.
  if (!descriptor && errno == ENXIO && path == kStandardInput) {
    descriptor = Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  }
  if (!descriptor) return std::unexpected(os_error(errno, "opening").in(path));
  VMLIFT_TRY(auto pipe, open_pipe(descriptor, path, options));
  if (pipe) return pipe;
  VMLIFT_CHECK(require_storage(descriptor.get(), path, true));
  if (!options.allow_in_use || options.writable) {
    VMLIFT_CHECK(lock_image(descriptor.get(), path, options.writable));
  }
  return std::make_shared<PosixFile>(
      std::move(descriptor), path, options.writable ? PosixFile::Use::write : PosixFile::Use::read);
}

Result<std::shared_ptr<File>> open_member(std::shared_ptr<File> package, std::string_view member,
                                          const SourceOptions& options) {
  if (options.writable) {
    return std::unexpected(error(ErrorCode::Permission, "a member of an archive can only be read")
                               .in(fmt::format("{}!{}", package->path(), member)));
  }
  VMLIFT_TRY(auto tar, expand_by_bytes(std::move(package), options.limits, options.watch));
  VMLIFT_TRY(const auto archive, Archive::open(std::move(tar), options.limits));
  VMLIFT_TRY(auto file, ArchiveFolder(archive).open(member));
  return expand_by_name(std::move(file), options.limits, options.watch);
}

}  // namespace

SourceOptions source_options(const OpenOptions& options) {
  return {.writable = options.writable,
          .allow_in_use = options.policy.allow_in_use,
          .allow_pipes = true,
          .limits = options.limits,
          .watch = {.stop = options.stop, .progress = options.expanding}};
}

Result<std::shared_ptr<File>> open_source(const std::string& location,
                                          const SourceOptions& options) {
  if (location == "-" && options.allow_pipes) return open_path(kStandardInput, options);
  auto whole = open_path(location, options);
  if (whole) {
    if (options.writable && wrapping_of_name(location)) {
      return std::unexpected(
          error(ErrorCode::Permission, "a compressed file can only be read").in(location));
    }
    return expand_by_name(*std::move(whole), options.limits, options.watch);
  }
  if (whole.error().code() != ErrorCode::NotFound) return whole;
  // A file whose own name has a '!' was found above. The first '!' behind an existing file
  // parts the archive from its member.
  SourceOptions reading = options;
  reading.writable = false;
  for (std::size_t mark = location.find('!'); mark != std::string::npos;
       mark = location.find('!', mark + 1)) {
    auto package = open_path(location.substr(0, mark), reading);
    if (package) {
      return open_member(*std::move(package), std::string_view(location).substr(mark + 1), options);
    }
  }
  return whole;
}

}  // namespace vmlift
