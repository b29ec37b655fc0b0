#include "io/archive.hpp"

#include <algorithm>
#include <array>

#include "base/fail.hpp"
#include "io/window_file.hpp"

namespace vmlift {
namespace {

/// A member: names found in it are looked up beside it, in the archive.
class MemberFile : public WindowFile {
 public:
  MemberFile(std::shared_ptr<File> file, const TarMember& member, std::string path,
             std::shared_ptr<const Folder> beside)
      : WindowFile(std::move(file), member.data, std::move(path)), beside_(std::move(beside)) {}

  std::shared_ptr<const Folder> beside() const override { return beside_; }

 private:
  std::shared_ptr<const Folder> beside_;
};

}  // namespace

Archive::Archive(std::shared_ptr<File> file, std::vector<TarMember> members)
    : file_(std::move(file)), members_(std::move(members)) {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    by_name_.emplace(members_[index].name, index);
  }
}

Result<std::shared_ptr<const Archive>> Archive::open(std::shared_ptr<File> file,
                                                     const Limits& limits) {
  std::array<std::byte, 512> head{};
  VMLIFT_TRY(const std::size_t got, file->read_some(0, head));
  if (!is_tar(std::span(head).first(got))) {
    return std::unexpected(
        error(ErrorCode::BadArchive, "it is no tar archive, and members are read of those only")
            .at(0)
            .in(file->path()));
  }
  VMLIFT_TRY(auto members, list_tar(*file, limits));
  return std::shared_ptr<const Archive>(new Archive(std::move(file), std::move(members)));
}

Result<std::shared_ptr<File>> Archive::open_member(std::string_view name) const {
  std::string path = fmt::format("{}!{}", file_->path(), name);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return std::unexpected(error(ErrorCode::NotFound, "the archive has no such member").in(path));
  }
  const std::size_t slash = name.rfind('/');
  auto beside = std::make_shared<ArchiveFolder>(
      shared_from_this(),
      slash == std::string_view::npos ? std::string() : std::string(name.substr(0, slash)));
  return std::make_shared<MemberFile>(file_, members_[found->second], std::move(path),
                                      std::move(beside));
}

Result<std::shared_ptr<File>> ArchiveFolder::open(std::string_view name) const {
  std::string wanted = inside_;
  const auto denied = [&](std::string_view why) {
    return std::unexpected(error(ErrorCode::ReferenceDenied, "the name {}", why)
                               .in(fmt::format("{}!{}", archive_->path(), name)));
  };
  if (name.empty() || name.front() == '/') return denied("must be a relative path");
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part == "..") return denied("leads out of its folder");
    if (part.empty() || part == ".") continue;
    if (!wanted.empty()) wanted += '/';
    wanted += part;
  }
  return archive_->open_member(wanted);
}

}  // namespace vmlift
