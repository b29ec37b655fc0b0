#include "io/posix_file.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift {
namespace {

// FICLONERANGE works on whole blocks; every file system that has it uses 4 KiB or less here.
constexpr std::uint64_t kReflinkAlignment = 4096;

// Pieces of a disk's size are on their way to the storage as soon as they are written, so that
// little is left for the flush at the end: onto ext4, 1.2 to 1.5 times as fast as one long flush.
// What is smaller is tables, which may be written again.
constexpr std::size_t kWritebackPiece = 64 << 10;

std::uint64_t file_size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return limit.rlim_cur;
}

bool not_possible_here(int number) {
  return number == EXDEV || number == EINVAL || number == EOPNOTSUPP || number == ENOTTY ||
         number == ENOSYS || number == EBADF || number == EPERM;
}

}  // namespace

Result<void> require_storage(int descriptor, const std::string& path, bool allow_device) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    return std::unexpected(os_error(errno, "reading the file's status").in(path));
  }
  if (S_ISREG(status.st_mode) || (allow_device && S_ISBLK(status.st_mode))) return {};
  return std::unexpected(
      error(S_ISBLK(status.st_mode) ? ErrorCode::ReferenceDenied : ErrorCode::InvalidArgument, "{}",
            S_ISDIR(status.st_mode) ? "it is a folder, a disk image is a file"
                                    : "neither a regular file nor a block device")
          .in(path));
}

PosixFile::PosixFile(Descriptor descriptor, std::string path, Use use)
    : descriptor_(std::move(descriptor)),
      path_(std::move(path)),
      use_(use),
      size_limit_(file_size_limit()),
      opened_(use == Use::read ? stamp() : std::nullopt) {}

std::optional<PosixFile::Stamp> PosixFile::stamp() const {
  struct stat status{};
  if (::fstat(descriptor_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Stamp{status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

Result<void> PosixFile::unchanged() const {
  if (!opened_ || opened_ == stamp()) return {};
  return std::unexpected(error(ErrorCode::SourceChanged,
                               "the file was changed while it was read; what was read belongs to "
                               "no single point in time")
                             .in(path_));
}

Result<std::uint64_t> PosixFile::size() const {
  struct stat status{};
  if (::fstat(descriptor_.get(), &status) != 0) {
    return std::unexpected(os_error(errno, "reading the file's size").in(path_));
  }
  if (S_ISBLK(status.st_mode)) {
    std::uint64_t bytes = 0;
    if (::ioctl(descriptor_.get(), BLKGETSIZE64, &bytes) != 0) {
      return std::unexpected(os_error(errno, "reading the device's size").in(path_));
    }
    return bytes;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> PosixFile::read_some(std::uint64_t offset, std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got = ::pread(descriptor_.get(), buffer.data() + done, buffer.size() - done,
                                static_cast<off_t>(offset + done));
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (got == 0) {
      break;
    } else if (errno != EINTR) {
      return std::unexpected(os_error(errno, "reading").at(offset + done).in(path_));
    }
  }
  return done;
}

Result<File::Run> PosixFile::run(std::uint64_t offset, std::uint64_t length) const {
  VMLIFT_TRY(const std::uint64_t end, size());
  if (offset >= end) return Run{length, true};
  length = std::min(length, end - offset);
  const off_t data = ::lseek(descriptor_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) {
    if (errno == ENXIO) return Run{length, true};
    return Run{length, false};  // the file system cannot tell: all of it is data
  }
  if (static_cast<std::uint64_t>(data) > offset) {
    return Run{std::min(length, static_cast<std::uint64_t>(data) - offset), true};
  }
  const off_t hole = ::lseek(descriptor_.get(), static_cast<off_t>(offset), SEEK_HOLE);
  if (hole < 0 || static_cast<std::uint64_t>(hole) <= offset) return Run{length, false};
  return Run{std::min(length, static_cast<std::uint64_t>(hole) - offset), false};
}

std::optional<HostPlace> PosixFile::host(std::uint64_t offset) const {
  return HostPlace{descriptor_.get(), offset};
}

Result<void> PosixFile::room_for(std::uint64_t end) const {
  if (end <= size_limit_) return {};
  return std::unexpected(
      error(ErrorCode::NoSpace, "the process may write files of {} bytes at most", size_limit_)
          .at(end)
          .in(path_));
}

Result<void> PosixFile::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  if (!writable()) return std::unexpected(read_only_error());
  VMLIFT_CHECK(room_for(offset + buffer.size()));
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t put = ::pwrite(descriptor_.get(), buffer.data() + done, buffer.size() - done,
                                 static_cast<off_t>(offset + done));
    if (put >= 0) {
      done += static_cast<std::size_t>(put);
    } else if (errno != EINTR) {
      return std::unexpected(os_error(errno, "writing").at(offset + done).in(path_));
    }
  }
  // What goes wrong on the way to the disk is told by the flush.
  if (use_ == Use::write && buffer.size() >= kWritebackPiece) {
    (void)::sync_file_range(descriptor_.get(), static_cast<off_t>(offset),
                            static_cast<off_t>(buffer.size()), SYNC_FILE_RANGE_WRITE);
  }
  return {};
}

Result<void> PosixFile::zero(Extent extent) {
  if (!writable()) return std::unexpected(read_only_error());
  VMLIFT_TRY(const std::uint64_t end, size());
  if (extent.offset >= end) return {};
  extent.length = std::min(extent.length, end - extent.offset);
  for (const int mode :
       {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}) {
    if (::fallocate(descriptor_.get(), mode, static_cast<off_t>(extent.offset),
                    static_cast<off_t>(extent.length)) == 0) {
      return {};
    }
  }
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(extent.length, 1 << 20));
  while (!extent.empty()) {
    const std::uint64_t step = std::min<std::uint64_t>(extent.length, zeros.size());
    VMLIFT_CHECK(write(extent.offset, std::span(zeros).first(step)));
    extent.offset += step;
    extent.length -= step;
  }
  return {};
}

Result<void> PosixFile::resize(std::uint64_t size) {
  if (!writable()) return std::unexpected(read_only_error());
  VMLIFT_CHECK(room_for(size));
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) {
    return std::unexpected(os_error(errno, "setting the file's size").in(path_));
  }
  return {};
}

Result<void> PosixFile::allocate(Extent extent) {
  if (!writable()) return std::unexpected(read_only_error());
  VMLIFT_CHECK(room_for(extent.end()));
  if (extent.empty()) return {};
  if (::fallocate(descriptor_.get(), 0, static_cast<off_t>(extent.offset),
                  static_cast<off_t>(extent.length)) != 0) {
    return std::unexpected(os_error(errno, "reserving room").in(path_));
  }
  return {};
}

Result<void> PosixFile::sync() {
  if (::fdatasync(descriptor_.get()) != 0) {
    return std::unexpected(os_error(errno, "flushing").in(path_));
  }
  return {};
}

Result<bool> PosixFile::copy_from(HostPlace source, std::uint64_t offset, std::uint64_t length) {
  if (!writable()) return std::unexpected(read_only_error());
  if (!is_aligned(source.offset | offset, kReflinkAlignment)) return false;
  VMLIFT_CHECK(room_for(offset + length));
  const std::uint64_t whole_blocks = round_down(length, kReflinkAlignment);
  file_clone_range range{};
  range.src_fd = source.descriptor;
  range.src_offset = source.offset;
  range.src_length = whole_blocks;
  range.dest_offset = offset;
  if (whole_blocks > 0 && ::ioctl(descriptor_.get(), FICLONERANGE, &range) != 0) {
    if (not_possible_here(errno)) return false;
    return std::unexpected(os_error(errno, "sharing blocks").at(offset).in(path_));
  }
  if (whole_blocks == length) return true;
  // The end of a disk may lie inside a block.
  std::array<std::byte, kReflinkAlignment> block;
  const auto rest = std::span(block).first(length - whole_blocks);
  const ssize_t got = ::pread(source.descriptor, rest.data(), rest.size(),
                              static_cast<off_t>(source.offset + whole_blocks));
  if (got < 0) return std::unexpected(os_error(errno, "reading the source's last block"));
  if (static_cast<std::size_t>(got) < rest.size()) {
    return fail(ErrorCode::Truncated, "the source ended while it was copied");
  }
  VMLIFT_CHECK(write(offset + whole_blocks, rest));
  return true;
}

}  // namespace vmlift
