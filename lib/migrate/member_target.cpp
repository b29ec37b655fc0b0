#include "migrate/member_target.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "io/folder.hpp"

namespace vmlift {

Result<std::size_t> MemberTarget::read_some(std::uint64_t offset,
                                            std::span<std::byte> buffer) const {
  const std::uint64_t end = end_.load();
  if (offset >= end) return std::size_t{0};
  return archive_->read_some(begin_ + offset,
                             buffer.first(std::min<std::uint64_t>(buffer.size(), end - offset)));
}

Result<void> MemberTarget::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  VMLIFT_CHECK(archive_->write(begin_ + offset, buffer));
  const std::uint64_t end = offset + buffer.size();
  for (std::uint64_t seen = end_.load(); seen < end && !end_.compare_exchange_weak(seen, end);) {
  }
  return {};
}

Result<std::shared_ptr<File>> MemberTarget::extra(const std::string&) {
  return std::unexpected(
      error(ErrorCode::UnsupportedFeature, "a disk in an archive is one file").in(path_));
}

Result<std::shared_ptr<File>> MemberTarget::pending(std::string_view name) {
  if (name == base_name(path_.substr(path_.rfind('!') + 1))) return shared_from_this();
  return fail(ErrorCode::NotFound, "the archive has no file '{}' yet", name);
}

}  // namespace vmlift
