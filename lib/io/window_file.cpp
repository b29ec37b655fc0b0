#include "io/window_file.hpp"

#include <algorithm>

namespace vmlift {

Result<std::size_t> WindowFile::read_some(std::uint64_t offset, std::span<std::byte> buffer) const {
  if (offset >= window_.length) return std::size_t{0};
  const auto length = std::min<std::uint64_t>(buffer.size(), window_.length - offset);
  return file_->read_some(window_.offset + offset, buffer.first(length));
}

Result<File::Run> WindowFile::run(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= window_.length) return Run{length, true};
  return file_->run(window_.offset + offset, std::min(length, window_.length - offset));
}

std::optional<HostPlace> WindowFile::host(std::uint64_t offset) const {
  return file_->host(window_.offset + offset);
}

}  // namespace vmlift
