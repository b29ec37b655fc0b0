// An archive read in place: its members as files, and as the folder in which an image among them
// looks up what it refers to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/folder.hpp"
#include "io/tar.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

class Archive : public std::enable_shared_from_this<Archive> {
 public:
  /// Errors: those of list_tar; BadArchive for a file that is no archive.
  static Result<std::shared_ptr<const Archive>> open(std::shared_ptr<File> file,
                                                     const Limits& limits);

  const std::string& path() const { return file_->path(); }
  const std::vector<TarMember>& members() const { return members_; }
  /// The member of that name as a file, "PATH!NAME". Errors: NotFound.
  Result<std::shared_ptr<File>> open_member(std::string_view name) const;

 private:
  Archive(std::shared_ptr<File> file, std::vector<TarMember> members);

  std::shared_ptr<File> file_;
  std::vector<TarMember> members_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

/// A folder within an archive; `inside` is its name, empty for the archive's root.
class ArchiveFolder : public Folder {
 public:
  explicit ArchiveFolder(std::shared_ptr<const Archive> archive, std::string inside = {})
      : archive_(std::move(archive)), inside_(std::move(inside)) {}
  Result<std::shared_ptr<File>> open(std::string_view name) const override;

 private:
  std::shared_ptr<const Archive> archive_;
  std::string inside_;
};

}  // namespace vmlift
