#include "io/spooled_file.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "io/folder.hpp"
#include "io/posix_file.hpp"

namespace vmlift {
namespace {

// Zeros become holes where they fill a block of this size.
constexpr std::size_t kHole = 64 << 10;

std::string spool_folder() {
  const char* const named = ::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

Result<std::unique_ptr<File>> make_spool(const std::string& for_path) {
  const std::string folder = spool_folder();
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (!file) {
    std::string name = folder + "/vmlift-XXXXXX";
    file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (!file) {
      return std::unexpected(
          os_error(errno, "making room for a stream (TMPDIR says where)").in(folder));
    }
    ::unlink(name.c_str());
  }
  return std::make_unique<PosixFile>(
      std::move(file), fmt::format("{}, kept below {}", for_path, folder), PosixFile::Use::scratch);
}

Result<std::optional<Wrapping>> wrapping_in(const File& file) {
  std::array<std::byte, 6> head{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, head));
  return wrapping_of_bytes(std::span(head).first(got));
}

}  // namespace

SpooledFile::SpooledFile(std::unique_ptr<InputStream> stream, std::uint64_t limit,
                         std::unique_ptr<File> spool)
    : path_(stream->path()), limit_(limit), stream_(std::move(stream)), spool_(std::move(spool)) {}

Result<std::shared_ptr<File>> SpooledFile::create(std::unique_ptr<InputStream> stream,
                                                  std::uint64_t limit) {
  VMLIFT_TRY(auto spool, make_spool(stream->path()));
  return std::shared_ptr<File>(new SpooledFile(std::move(stream), limit, std::move(spool)));
}

Result<std::shared_ptr<File>> SpooledFile::create(std::shared_ptr<File> packed, Wrapping wrapping,
                                                  const Limits& limits, StreamWatch watch) {
  VMLIFT_TRY(auto stream, decode_stream(std::move(packed), wrapping, limits, std::move(watch)));
  return create(std::move(stream), limits.expanded);
}

Result<void> SpooledFile::reach(std::uint64_t end) const {
  if (complete_ || stored_ >= end) return {};
  std::lock_guard guard(mutex_);
  while (!complete_ && stored_ < end) {
    if (failure_) return std::unexpected(*failure_);
    if (auto done = take_some(); !done) failure_ = std::move(done).error().in(path());
  }
  return {};
}

Result<void> SpooledFile::take_some() const {
  VMLIFT_TRY(const auto bytes, stream_->next());
  if (!bytes.empty()) return store(bytes);
  complete_ = true;
  return {};
}

Result<void> SpooledFile::store(std::span<const std::byte> plain) const {
  if (plain.size() > limit_ - stored_) {
    return fail(ErrorCode::Limit, "it has more than {} bytes (the limit 'expanded')", limit_);
  }
  bool hole = false;
  for (std::size_t at = 0; at < plain.size();) {
    const auto to_boundary = kHole - static_cast<std::size_t>((stored_ + at) % kHole);
    const auto step = plain.subspan(at, std::min(to_boundary, plain.size() - at));
    hole = all_zero(step);
    if (!hole) VMLIFT_CHECK(spool_->write(stored_ + at, step));
    at += step.size();
  }
  if (hole) VMLIFT_CHECK(spool_->resize(stored_ + plain.size()));
  stored_ += plain.size();
  return {};
}

Result<std::uint64_t> SpooledFile::size() const {
  VMLIFT_CHECK(reach(UINT64_MAX));
  return stored_.load();
}

Result<std::size_t> SpooledFile::read_some(std::uint64_t offset,
                                           std::span<std::byte> buffer) const {
  VMLIFT_CHECK(reach(checked_add<std::uint64_t>(offset, buffer.size()).value_or(UINT64_MAX)));
  const std::uint64_t there = stored_;
  if (offset >= there) return std::size_t{0};
  return spool_->read_some(offset,
                           buffer.first(std::min<std::uint64_t>(buffer.size(), there - offset)));
}

Result<File::Run> SpooledFile::run(std::uint64_t offset, std::uint64_t length) const {
  VMLIFT_CHECK(reach(checked_add(offset, length).value_or(UINT64_MAX)));
  const std::uint64_t there = stored_;
  if (offset >= there) return Run{length, true};
  return spool_->run(offset, std::min(length, there - offset));
}

std::optional<HostPlace> SpooledFile::host(std::uint64_t offset) const {
  if (!complete_) return std::nullopt;
  return spool_->host(offset);
}

Result<std::shared_ptr<File>> expand_by_name(std::shared_ptr<File> file, const Limits& limits,
                                             StreamWatch watch) {
  const auto named = wrapping_of_name(base_name(file->path()));
  if (!named) return file;
  VMLIFT_TRY(const auto found, wrapping_in(*file));
  if (found != named) {
    return std::unexpected(error(ErrorCode::BadMagic,
                                 "its name says {}, its bytes do not; rename it if it is not "
                                 "compressed",
                                 wrapping_name(*named))
                               .at(0)
                               .in(file->path()));
  }
  return SpooledFile::create(std::move(file), *named, limits, std::move(watch));
}

Result<std::shared_ptr<File>> expand_by_bytes(std::shared_ptr<File> file, const Limits& limits,
                                              StreamWatch watch) {
  VMLIFT_TRY(const auto found, wrapping_in(*file));
  if (!found) return file;
  return SpooledFile::create(std::move(file), *found, limits, std::move(watch));
}

}  // namespace vmlift
