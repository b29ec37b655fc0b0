#include "io/folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "base/fail.hpp"
#include "io/lock.hpp"
#include "io/posix_file.hpp"

namespace vmlift {
namespace {

// O_NONBLOCK: opening a FIFO must not hang before fstat can refuse it.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

int open_beneath(int folder, const std::string& name) {
  open_how how{};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how));
}

bool is_link(int folder, const std::string& name) {
  struct stat status{};
  return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

/// For kernels before 5.6: one component at a time, no links at all, no "..".
int walk_beneath(int folder, const std::string& name) {
  Descriptor at(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
  std::size_t begin = 0;
  while (at) {
    const std::size_t slash = name.find('/', begin);
    const std::string part = name.substr(begin, slash - begin);
    if (part == "..") {
      errno = EXDEV;
      return -1;
    }
    const bool last = slash == std::string::npos;
    if (!part.empty() && part != ".") {
      const int flags = kOpenFlags | O_NOFOLLOW | (last ? 0 : O_DIRECTORY);
      Descriptor next(::openat(at.get(), part.c_str(), flags));
      if (!next) {
        // A link is ELOOP, or ENOTDIR where a folder is wanted.
        const int number = errno;
        errno = is_link(at.get(), part) ? EXDEV : number;
        return -1;
      }
      if (last) return ::fcntl(next.get(), F_DUPFD_CLOEXEC, 0);
      at = std::move(next);
    } else if (last) {
      errno = EISDIR;
      return -1;
    }
    begin = slash + 1;
  }
  return -1;
}

}  // namespace

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::shared_ptr<const Folder> folder_around(const File& file, bool allow_in_use) {
  if (auto beside = file.beside()) return beside;
  return std::make_shared<HostFolder>(folder_of(file.path()), allow_in_use);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Result<std::shared_ptr<File>> HostFolder::open(std::string_view name) const {
  const std::string relative(name);
  const std::string shown = path_ + "/" + relative;
  if (relative.empty() || relative.find('\0') != std::string::npos || relative.front() == '/') {
    return std::unexpected(
        error(ErrorCode::ReferenceDenied, "a name in an image must be a relative path").in(shown));
  }
  Descriptor folder(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return std::unexpected(os_error(errno, "opening the folder").in(path_));
  int number = open_beneath(folder.get(), relative);
  if (number < 0 && (errno == ENOSYS || errno == EPERM)) {
    number = walk_beneath(folder.get(), relative);
  }
  Descriptor file(number);
  if (!file) {
    // EXDEV is openat2's word for a path that leads out of the folder.
    if (errno == EXDEV || errno == ELOOP) {
      return std::unexpected(
          error(ErrorCode::ReferenceDenied, "the name leads out of the image's folder").in(shown));
    }
    return std::unexpected(os_error(errno, "opening").in(shown));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::unexpected(
        error(ErrorCode::ReferenceDenied, "an image may refer to regular files only").in(shown));
  }
  if (!allow_in_use_) VMLIFT_CHECK(lock_image(file.get(), shown, false));
  return std::make_shared<PosixFile>(std::move(file), shown, PosixFile::Use::read);
}

}  // namespace vmlift
