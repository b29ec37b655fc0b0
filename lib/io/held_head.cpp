#include "io/held_head.hpp"

#include <algorithm>
#include <string_view>

#include "base/bytes.hpp"

namespace vmlift {
namespace {

// Never changed: it is looked for on targets that an older version wrote.
constexpr std::string_view kMark =
    "vmlift: incomplete target\n"
    "Copying onto this disk was interrupted. What it holds is of no use; copy again.\n";
static_assert(kMark.size() < HeldHead::kMarkLength);

std::uint64_t part_in_head(std::uint64_t offset, std::uint64_t length, std::uint64_t head) {
  return offset < head ? std::min(length, head - offset) : 0;
}

}  // namespace

HeldHead::HeldHead(std::uint64_t size)
    : bytes_(std::min(kLength, size)), mark_(std::min(kMarkLength, size)) {
  std::ranges::copy(as_bytes(kMark.substr(0, mark_.size())), mark_.begin());
}

bool HeldHead::is_mark(std::span<const std::byte> start) {
  return as_text(start).starts_with(kMark);
}

std::size_t HeldHead::keep(std::uint64_t offset, std::span<const std::byte> buffer) {
  const std::uint64_t part = part_in_head(offset, buffer.size(), bytes_.size());
  std::lock_guard lock(mutex_);
  std::copy_n(buffer.begin(), part, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  return part;
}

std::uint64_t HeldHead::keep_zeros(Extent extent) {
  const std::uint64_t part = part_in_head(extent.offset, extent.length, bytes_.size());
  std::lock_guard lock(mutex_);
  std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(extent.offset), part, std::byte{0});
  return part;
}

void HeldHead::lay_over(std::uint64_t offset, std::span<std::byte> buffer) const {
  const std::uint64_t part = part_in_head(offset, buffer.size(), bytes_.size());
  std::lock_guard lock(mutex_);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), part, buffer.begin());
}

}  // namespace vmlift
