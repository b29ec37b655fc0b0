#include "io/spooled_file.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "io/folder.hpp"
#include "io/posix_file.hpp"

namespace vmlift {
namespace {

constexpr std::size_t kInput = 256 << 10;
constexpr std::size_t kOutput = 1 << 20;
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
          os_error(errno, "making room to decompress (TMPDIR says where)").in(folder));
    }
    ::unlink(name.c_str());
  }
  return std::make_unique<PosixFile>(
      std::move(file), fmt::format("{}, decompressed below {}", for_path, folder), true);
}

Result<std::optional<Wrapping>> wrapping_in(const File& file) {
  std::array<std::byte, 6> head{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, head));
  return wrapping_of_bytes(std::span(head).first(got));
}

}  // namespace

SpooledFile::SpooledFile(std::shared_ptr<File> packed, Wrapping wrapping, const Limits& limits,
                         std::unique_ptr<File> spool, std::uint64_t packed_size)
    : packed_(std::move(packed)),
      packed_size_(packed_size),
      limit_(limits.expanded),
      spool_(std::move(spool)),
      decoder_(StreamDecoder::make(wrapping, limits.decoder_memory)) {}

Result<std::shared_ptr<File>> SpooledFile::create(std::shared_ptr<File> packed, Wrapping wrapping,
                                                  const Limits& limits) {
  VMLIFT_TRY(const std::uint64_t size, packed->size());
  VMLIFT_TRY(auto spool, make_spool(packed->path()));
  return std::shared_ptr<File>(
      new SpooledFile(std::move(packed), wrapping, limits, std::move(spool), size));
}

Result<void> SpooledFile::reach(std::uint64_t end) const {
  if (complete_ || decoded_ >= end) return {};
  std::lock_guard guard(mutex_);
  while (!complete_ && decoded_ < end) {
    if (failure_) return std::unexpected(*failure_);
    if (auto done = decode_some(); !done) {
      failure_ = std::move(done).error().at(packed_at_ - unused_.size()).in(path());
    }
  }
  if (complete_) {
    decoder_.reset();
    input_ = {};
    output_ = {};
  }
  return {};
}

Result<void> SpooledFile::decode_some() const {
  input_.resize(kInput);
  output_.resize(kOutput);
  if (unused_.empty() && packed_at_ < packed_size_) {
    const auto wanted =
        std::span(input_).first(std::min<std::uint64_t>(kInput, packed_size_ - packed_at_));
    VMLIFT_CHECK(packed_->read(packed_at_, wanted));
    packed_at_ += wanted.size();
    unused_ = wanted;
  }
  std::span<std::byte> room = output_;
  // What came out before the damage is still good: it is stored, then the error told.
  const auto ended = decoder_->step(unused_, room, packed_at_ == packed_size_);
  VMLIFT_CHECK(store(std::span(output_).first(output_.size() - room.size())));
  VMLIFT_TRY(const bool complete, ended);
  if (complete) complete_ = true;
  return {};
}

Result<void> SpooledFile::store(std::span<const std::byte> plain) const {
  if (plain.size() > limit_ - decoded_) {
    return fail(ErrorCode::Limit, "it expands to more than {} bytes (the limit 'expanded')",
                limit_);
  }
  bool hole = false;
  for (std::size_t at = 0; at < plain.size();) {
    const auto to_boundary = kHole - static_cast<std::size_t>((decoded_ + at) % kHole);
    const auto step = plain.subspan(at, std::min(to_boundary, plain.size() - at));
    hole = all_zero(step);
    if (!hole) VMLIFT_CHECK(spool_->write(decoded_ + at, step));
    at += step.size();
  }
  if (hole) VMLIFT_CHECK(spool_->resize(decoded_ + plain.size()));
  decoded_ += plain.size();
  return {};
}

Result<std::uint64_t> SpooledFile::size() const {
  VMLIFT_CHECK(reach(UINT64_MAX));
  return decoded_.load();
}

Result<std::size_t> SpooledFile::read_some(std::uint64_t offset,
                                           std::span<std::byte> buffer) const {
  const std::uint64_t end =
      buffer.size() > UINT64_MAX - offset ? UINT64_MAX : offset + buffer.size();
  VMLIFT_CHECK(reach(end));
  const std::uint64_t there = decoded_;
  if (offset >= there) return std::size_t{0};
  return spool_->read_some(offset,
                           buffer.first(std::min<std::uint64_t>(buffer.size(), there - offset)));
}

Result<File::Run> SpooledFile::run(std::uint64_t offset, std::uint64_t length) const {
  VMLIFT_CHECK(reach(length > UINT64_MAX - offset ? UINT64_MAX : offset + length));
  const std::uint64_t there = decoded_;
  if (offset >= there) return Run{length, true};
  return spool_->run(offset, std::min(length, there - offset));
}

std::optional<HostPlace> SpooledFile::host(std::uint64_t offset) const {
  if (!complete_) return std::nullopt;
  return spool_->host(offset);
}

Result<std::shared_ptr<File>> expand_by_name(std::shared_ptr<File> file, const Limits& limits) {
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
  return SpooledFile::create(std::move(file), *named, limits);
}

Result<std::shared_ptr<File>> expand_by_bytes(std::shared_ptr<File> file, const Limits& limits) {
  VMLIFT_TRY(const auto found, wrapping_in(*file));
  if (!found) return file;
  return SpooledFile::create(std::move(file), *found, limits);
}

}  // namespace vmlift
