#include "io/target.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <utility>
#include <vector>

#include "base/fail.hpp"
#include "io/device_target.hpp"
#include "io/folder.hpp"
#include "io/posix_file.hpp"

namespace vmlift {
namespace {

std::string random_suffix() {
  unsigned long long number = 0;
  (void)::getrandom(&number, sizeof number, 0);
  return fmt::format("{:016x}", number);
}

Error target_exists(const std::string& path) {
  return error(ErrorCode::Exists, "the target exists already; --overwrite replaces it").in(path);
}

/// The mode a new file of this process gets. umask(2) can only be read by changing it, which
/// other threads would see; /proc tells it without.
mode_t new_file_mode() {
  std::ifstream status("/proc/self/status");
  std::string key;
  while (status >> key) {
    if (key == "Umask:") {
      unsigned mask = 022;
      status >> std::oct >> mask;
      return 0666 & ~mask;
    }
  }
  return 0644;
}

/// One file of a target: open, nameless or under a hidden name, and then published.
class PendingFile {
 public:
  static Result<std::unique_ptr<PendingFile>> create(int folder, const std::string& folder_path,
                                                     const std::string& name) {
    auto pending = std::unique_ptr<PendingFile>(new PendingFile(folder, name));
    const std::string path = folder_path + "/" + name;
    Descriptor file(::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) {
      pending->hidden_ = pending->hidden_name();
      file = Descriptor(::openat(folder, pending->hidden_.c_str(),
                                 O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
    }
    if (!file) {
      const int number = errno;
      pending->hidden_.clear();
      return std::unexpected(os_error(number, "creating the target").in(path));
    }
    pending->file_ = std::make_unique<PosixFile>(std::move(file), path, PosixFile::Use::write);
    return pending;
  }

  ~PendingFile() {
    if (!hidden_.empty()) ::unlinkat(folder_, hidden_.c_str(), 0);
  }

  PosixFile& file() { return *file_; }
  const std::string& name() const { return name_; }

  /// Gives the final name. With `keep`, what had it before stays under a hidden name until
  /// settle(): exchanged, not renamed over, it can come back when a later file of the image fails.
  Result<void> publish(bool overwrite, bool keep) {
    ::fchmod(file_->descriptor(), new_file_mode());
    if (::fsync(file_->descriptor()) != 0) return std::unexpected(broken("flushing"));
    if (hidden_.empty() && !overwrite) return link_as(name_);
    if (hidden_.empty()) {
      const std::string hidden = hidden_name();
      VMLIFT_CHECK(link_as(hidden));
      hidden_ = hidden;
    }
    if (overwrite && keep &&
        ::renameat2(folder_, hidden_.c_str(), folder_, name_.c_str(), RENAME_EXCHANGE) == 0) {
      replaced_ = std::exchange(hidden_, {});
      return {};
    }
    const unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
    if (::renameat2(folder_, hidden_.c_str(), folder_, name_.c_str(), flags) != 0) {
      return std::unexpected(broken("giving the target its name"));
    }
    hidden_.clear();
    return {};
  }

  /// Before the other files of an image are replaced: what has the name goes out of sight, so that
  /// nobody ever finds it together with files of the new image. Comes back with put_back().
  Result<void> set_aside() {
    struct stat status{};
    if (::fstatat(folder_, name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
    if (S_ISDIR(status.st_mode)) return std::unexpected(not_a_file());
    const std::string hidden = hidden_name();
    if (::renameat(folder_, name_.c_str(), folder_, hidden.c_str()) != 0) {
      return std::unexpected(broken("setting the old file aside"));
    }
    replaced_ = hidden;
    if (::fsync(folder_) != 0) return std::unexpected(broken("setting the old file aside"));
    return {};
  }

  /// Takes the name back from a published file; what had it before has it again.
  void withdraw() {
    if (replaced_.empty()) {
      ::unlinkat(folder_, name_.c_str(), 0);
    } else if (::renameat2(folder_, replaced_.c_str(), folder_, name_.c_str(), 0) == 0) {
      replaced_.clear();
    }
  }

  /// What set_aside() took away is seen again.
  void put_back() {
    if (replaced_.empty()) return;
    int renamed = ::renameat2(folder_, replaced_.c_str(), folder_, name_.c_str(), RENAME_NOREPLACE);
    // NFS knows no flags.
    if (renamed != 0 && errno == EINVAL) {
      renamed = ::renameat(folder_, replaced_.c_str(), folder_, name_.c_str());
    }
    if (renamed == 0) replaced_.clear();
  }

  /// All files of the image have their names: what they replaced goes.
  void settle() {
    if (!replaced_.empty()) ::unlinkat(folder_, replaced_.c_str(), 0);
    replaced_.clear();
  }

 private:
  PendingFile(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}

  std::string hidden_name() const { return "." + name_ + ".partial-" + random_suffix(); }

  Result<void> link_as(const std::string& name) {
    const std::string self = fmt::format("/proc/self/fd/{}", file_->descriptor());
    if (::linkat(AT_FDCWD, self.c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return std::unexpected(broken("giving the target its name"));
    }
    return {};
  }

  Error not_a_file() {
    return error(ErrorCode::InvalidArgument, "only a regular file can be replaced")
        .in(file_->path());
  }
  Error broken(std::string_view activity) { return os_error(errno, activity).in(file_->path()); }

  int folder_;
  std::string name_;
  std::string hidden_;    // empty: the file has no name at all
  std::string replaced_;  // where the file is that had the name before; empty: none had
  std::unique_ptr<PosixFile> file_;
};

class HostTarget : public TargetFile, public std::enable_shared_from_this<HostTarget> {
 public:
  HostTarget(Descriptor folder, std::string folder_path, bool overwrite)
      : folder_(std::move(folder)), folder_path_(std::move(folder_path)), overwrite_(overwrite) {}

  Result<PosixFile*> add(const std::string& name) {
    const std::string path = folder_path_ + "/" + name;
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
      return std::unexpected(
          error(ErrorCode::InvalidArgument, "a target needs a plain file name").in(path));
    }
    struct stat status{};
    if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      if (!overwrite_) return std::unexpected(target_exists(path));
      if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
        return std::unexpected(
            error(ErrorCode::InvalidArgument, "only a regular file can be replaced").in(path));
      }
    }
    VMLIFT_TRY(auto pending, PendingFile::create(folder_.get(), folder_path_, name));
    files_.push_back(std::move(pending));
    return &files_.back()->file();
  }

  Result<std::shared_ptr<File>> extra(const std::string& name) override {
    VMLIFT_TRY(PosixFile* const file, add(name));
    return std::shared_ptr<File>(shared_from_this(), file);
  }

  Result<std::shared_ptr<File>> pending(std::string_view name) override {
    for (const auto& file : files_) {
      if (file->name() == name) return std::shared_ptr<File>(shared_from_this(), &file->file());
    }
    return fail(ErrorCode::NotFound, "the target has no file '{}'", name);
  }

  Result<void> publish() override {
    // The first file is what users open: its name appears when all others are there.
    if (overwrite_ && files_.size() > 1) {
      if (auto aside = files_.front()->set_aside(); !aside) {
        files_.front()->put_back();
        return aside;
      }
    }
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
      const bool last = std::next(file) == files_.rend();
      auto named = (*file)->publish(overwrite_, !last);
      if (named) continue;
      // All or none: those that have their names already lose them again.
      while (file != files_.rbegin()) (*--file)->withdraw();
      files_.front()->put_back();
      return named;
    }
    for (const auto& file : files_) file->settle();
    if (::fsync(folder_.get()) != 0) {
      return std::unexpected(os_error(errno, "flushing the folder").in(folder_path_));
    }
    return {};
  }

  const std::string& path() const override { return main().path(); }
  Result<std::uint64_t> size() const override { return main().size(); }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override {
    return main().read_some(offset, buffer);
  }
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override {
    return main().run(offset, length);
  }
  std::optional<HostPlace> host(std::uint64_t offset) const override { return main().host(offset); }
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return main().write(offset, buffer);
  }
  Result<void> zero(Extent extent) override { return main().zero(extent); }
  Result<void> resize(std::uint64_t size) override { return main().resize(size); }
  Result<void> allocate(Extent extent) override { return main().allocate(extent); }
  Result<void> sync() override { return main().sync(); }
  Result<bool> copy_from(HostPlace source, std::uint64_t offset, std::uint64_t length) override {
    return main().copy_from(source, offset, length);
  }

 private:
  PosixFile& main() const { return files_.front()->file(); }

  Descriptor folder_;
  std::string folder_path_;
  bool overwrite_;
  std::vector<std::unique_ptr<PendingFile>> files_;
};

}  // namespace

Result<void> check_vacant(const std::string& path, bool overwrite) {
  struct stat status{};
  if (overwrite || ::lstat(path.c_str(), &status) != 0) return {};
  return std::unexpected(target_exists(path));
}

Result<std::shared_ptr<TargetFile>> create_target(const std::string& path, bool overwrite) {
  if (is_block_device(path)) return open_device_target(path, overwrite);
  std::string folder_path = folder_of(path);
  Descriptor folder(::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) {
    return std::unexpected(os_error(errno, "opening the target's folder").in(folder_path));
  }
  auto target = std::make_shared<HostTarget>(std::move(folder), std::move(folder_path), overwrite);

  VMLIFT_CHECK(target->add(std::string(base_name(path))));
  return target;
}

Result<void> write_whole(const std::string& path, std::span<const std::byte> content,
                         bool overwrite) {
  VMLIFT_TRY(auto target, create_target(path, overwrite));
  VMLIFT_CHECK(target->write(0, content));
  return target->publish();
}

}  // namespace vmlift
