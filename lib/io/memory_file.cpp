#include "io/memory_file.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace vmlift {

MemoryFile::MemoryFile(std::string path, std::span<const std::byte> content)
    : path_(std::move(path)) {
  (void)write(0, content);
}

Result<std::uint64_t> MemoryFile::size() const {
  std::lock_guard lock(mutex_);
  return size_;
}

Result<std::size_t> MemoryFile::read_some(std::uint64_t offset, std::span<std::byte> buffer) const {
  std::lock_guard lock(mutex_);
  if (offset >= size_) return std::size_t{0};
  const auto length = std::min<std::uint64_t>(buffer.size(), size_ - offset);
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t at = offset + done;
    const std::uint64_t step = up_to_boundary(at, length - done, kPage);
    if (auto page = pages_.find(at / kPage); page != pages_.end()) {
      std::memcpy(buffer.data() + done, page->second.data() + at % kPage, step);
    } else {
      std::memset(buffer.data() + done, 0, step);
    }
    done += step;
  }
  return length;
}

Result<File::Run> MemoryFile::run(std::uint64_t offset, std::uint64_t length) const {
  std::lock_guard lock(mutex_);
  if (offset >= size_) return Run{length, true};
  length = std::min(length, size_ - offset);
  auto page = pages_.lower_bound(offset / kPage);
  const bool hole = page == pages_.end() || page->first != offset / kPage;
  if (hole) {
    const std::uint64_t next = page == pages_.end() ? size_ : page->first * kPage;
    return Run{std::min(length, next - offset), true};
  }
  std::uint64_t number = offset / kPage;
  while (page != pages_.end() && page->first == number) {
    ++page;
    ++number;
  }
  return Run{std::min(length, number * kPage - offset), false};
}

Result<void> MemoryFile::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  std::lock_guard lock(mutex_);
  for (std::uint64_t done = 0; done < buffer.size();) {
    const std::uint64_t at = offset + done;
    const std::uint64_t step = up_to_boundary(at, buffer.size() - done, kPage);
    auto& page = pages_[at / kPage];
    if (page.empty()) page.resize(kPage);
    std::memcpy(page.data() + at % kPage, buffer.data() + done, step);
    done += step;
  }
  size_ = std::max(size_, offset + buffer.size());
  return {};
}

Result<void> MemoryFile::zero(Extent extent) {
  std::lock_guard lock(mutex_);
  for (auto page = pages_.lower_bound(extent.offset / kPage);
       page != pages_.end() && page->first * kPage < extent.end();) {
    const std::uint64_t start = page->first * kPage;
    const std::uint64_t from = std::max(extent.offset, start);
    const std::uint64_t to = std::min(extent.end(), start + kPage);
    if (to - from == kPage) {
      page = pages_.erase(page);
      continue;
    }
    std::memset(page->second.data() + (from - start), 0, to - from);
    ++page;
  }
  return {};
}

Result<void> MemoryFile::resize(std::uint64_t size) {
  if (size < size_) {
    const std::uint64_t tail = size_ - size;
    if (auto cleared = zero({size, tail}); !cleared) return cleared;
  }
  std::lock_guard lock(mutex_);
  size_ = size;
  return {};
}

}  // namespace vmlift
