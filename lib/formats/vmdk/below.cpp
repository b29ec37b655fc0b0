#include <algorithm>
#include <cstring>

#include "formats/vmdk/extent_reader.hpp"

namespace vmlift::vmdk {

Result<void> Below::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  const std::uint64_t start = offset_ + offset;
  const std::uint64_t parent_size = parent_ == nullptr ? 0 : parent_->size();
  // A disk may have grown since its parent was made: there is nothing below its new end.
  const std::uint64_t inside =
      start >= parent_size ? 0 : std::min<std::uint64_t>(buffer.size(), parent_size - start);
  if (inside < buffer.size()) std::memset(buffer.data() + inside, 0, buffer.size() - inside);
  if (inside == 0) return {};
  return parent_->read(start, buffer.first(inside));
}

Result<DiskExtent> Below::extent(std::uint64_t offset, std::uint64_t length) const {
  const std::uint64_t start = offset_ + offset;
  if (parent_ == nullptr || start >= parent_->size()) {
    return DiskExtent{.offset = offset, .length = length, .zero = true};
  }
  auto run = parent_->extent(start, std::min(length, parent_->size() - start));
  if (!run) return run;
  run->offset = offset;
  run->depth += 1;
  return run;
}

}  // namespace vmlift::vmdk
