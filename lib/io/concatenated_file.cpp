#include "io/concatenated_file.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift {

Result<std::shared_ptr<File>> ConcatenatedFile::create(std::vector<std::shared_ptr<File>> parts,
                                                       std::string path) {
  std::vector<std::uint64_t> starts = {0};
  for (const auto& part : parts) {
    VMLIFT_TRY(const std::uint64_t size, part->size());
    const auto end = checked_add(starts.back(), size);
    if (!end) {
      return std::unexpected(
          error(ErrorCode::Limit, "its parts together exceed 2^64 bytes").in(path));
    }
    starts.push_back(*end);
  }
  return std::shared_ptr<File>(
      new ConcatenatedFile(std::move(parts), std::move(starts), std::move(path)));
}

std::size_t ConcatenatedFile::part_at(std::uint64_t offset) const {
  const auto after = std::ranges::upper_bound(starts_, offset);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

Result<std::size_t> ConcatenatedFile::read_some(std::uint64_t offset,
                                                std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size() && offset + done < starts_.back()) {
    const std::size_t part = part_at(offset + done);
    const std::uint64_t inside = offset + done - starts_[part];
    const auto step = buffer.subspan(
        done,
        std::min<std::uint64_t>(buffer.size() - done, starts_[part + 1] - starts_[part] - inside));
    // A part that became shorter since is Truncated: the next one must not move up.
    VMLIFT_CHECK(parts_[part]->read(inside, step));
    done += step.size();
  }
  return done;
}

Result<File::Run> ConcatenatedFile::run(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= starts_.back()) return Run{length, true};
  const std::size_t part = part_at(offset);
  return parts_[part]->run(offset - starts_[part], std::min(length, starts_[part + 1] - offset));
}

Result<void> ConcatenatedFile::unchanged() const {
  for (const auto& part : parts_) VMLIFT_CHECK(part->unchanged());
  return {};
}

}  // namespace vmlift
