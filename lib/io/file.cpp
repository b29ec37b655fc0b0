#include "vmlift/file.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift {

Result<void> File::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  VMLIFT_TRY(const std::size_t got, read_some(offset, buffer));
  if (got < buffer.size()) {
    return std::unexpected(
        error(ErrorCode::Truncated, "the file ends {} bytes too early", buffer.size() - got)
            .at(offset + got)
            .in(path()));
  }
  return {};
}

Result<File::Run> File::run(std::uint64_t offset, std::uint64_t length) const {
  VMLIFT_TRY(const std::uint64_t end, size());
  if (offset >= end) return Run{length, true};
  return Run{std::min(length, end - offset), false};
}

Error File::read_only_error() const {
  return error(ErrorCode::Permission, "the file is open for reading only").in(path());
}

Result<void> File::write(std::uint64_t, std::span<const std::byte>) {
  return std::unexpected(read_only_error());
}
Result<void> File::zero(Extent) { return std::unexpected(read_only_error()); }
Result<void> File::resize(std::uint64_t) { return std::unexpected(read_only_error()); }
Result<void> File::allocate(Extent) { return std::unexpected(read_only_error()); }
Result<void> File::sync() { return std::unexpected(read_only_error()); }
Result<bool> File::copy_from(HostPlace, std::uint64_t, std::uint64_t) { return false; }

}  // namespace vmlift
