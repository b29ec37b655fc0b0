#include "io/lock.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <span>

#include "base/fail.hpp"

namespace vmlift {
namespace {

// QEMU says with a read lock on one byte what it does with an image (100 + permission), and with
// another what nobody else may do (200 + permission). A held write lock does not occur; whether a
// byte is taken is asked by pretending to want one. The permissions by number:
constexpr off_t kConsistentRead = 0;
constexpr off_t kWrite = 1;
constexpr off_t kResize = 3;

constexpr off_t kUsed = 100;
constexpr off_t kUnshared = 200;

constexpr std::array kReads = {kConsistentRead};
constexpr std::array kWrites = {kConsistentRead, kWrite, kResize};
constexpr std::array kDenied = {kWrite, kResize};

struct flock one_byte(short type, off_t at) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return lock;
}

/// False: somebody's write lock is in the way. File systems that cannot lock say true.
bool take(int descriptor, off_t at) {
  // Open file description locks: closing another descriptor of the file, somewhere in the
  // embedding process, does not drop them.
  struct flock lock = one_byte(F_RDLCK, at);
  if (::fcntl(descriptor, F_OFD_SETLK, &lock) == 0) return true;
  return errno != EAGAIN && errno != EACCES;
}

bool taken_by_others(int descriptor, off_t at) {
  struct flock lock = one_byte(F_WRLCK, at);
  return ::fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

Result<void> lock_image(int descriptor, const std::string& path, bool writable) {
  const std::span<const off_t> used = writable ? std::span<const off_t>(kWrites) : kReads;
  bool free = true;
  // First taken, then looked: of two that come at once at least one sees the other.
  for (const off_t permission : used) free = free && take(descriptor, kUsed + permission);
  for (const off_t permission : kDenied) free = free && take(descriptor, kUnshared + permission);
  for (const off_t permission : used) {
    free = free && !taken_by_others(descriptor, kUnshared + permission);
  }
  for (const off_t permission : kDenied) {
    free = free && !taken_by_others(descriptor, kUsed + permission);
  }
  if (free) return {};
  return std::unexpected(error(ErrorCode::InUse,
                               "another process {}; shut the machine down, or wait for the other "
                               "program, and try again{}",
                               writable ? "has the image open" : "writes to the image",
                               writable ? "" : "; --force-share reads it as it is")
                             .in(path));
}

}  // namespace vmlift
