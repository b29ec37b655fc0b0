#include "migrate/ova_target.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "codec/digest.hpp"
#include "io/tar_header.hpp"
#include "io/target.hpp"
#include "migrate/member_target.hpp"

namespace vmlift {
namespace {

constexpr std::uint64_t member_room(std::uint64_t content) {
  return kTarBlock + round_up(content, kTarBlock);
}

Result<std::string> sha256_of(const File& file, const std::stop_token& stop) {
  VMLIFT_TRY(const std::uint64_t size, file.size());
  Digest digest(DigestAlgorithm::sha256);
  std::vector<std::byte> buffer(1 << 20);
  for (std::uint64_t at = 0; at < size;) {
    if (stop.stop_requested())
      return fail(ErrorCode::Cancelled, "cancelled while the manifest was made");
    const auto step = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), size - at));
    VMLIFT_CHECK(file.read(at, step));
    digest.update(step);
    at += step.size();
  }
  return digest.finish();
}

Result<std::string> sha256_of(std::string_view text) {
  Digest digest(DigestAlgorithm::sha256);
  digest.update(as_bytes(text));
  return digest.finish();
}

}  // namespace

std::string manifest_line(std::string_view file, std::string_view sha256) {
  return fmt::format("SHA256({})= {}\n", file, sha256);
}

OvaTarget::OvaTarget(std::shared_ptr<TargetFile> file, OvaHead head)
    : file_(std::move(file)),
      head_(std::move(head)),
      end_(member_room(head_.descriptor_room) + member_room(head_.manifest_room)) {}

Result<OvaTarget> OvaTarget::create(const std::string& path, bool overwrite, OvaHead head) {
  VMLIFT_TRY(auto file, create_target(path, overwrite));
  if (!file->fresh()) {
    return std::unexpected(
        error(ErrorCode::UnsupportedFeature, "an OVA is written to a new file, not onto a device")
            .in(path));
  }
  return OvaTarget(std::move(file), std::move(head));
}

Result<std::unique_ptr<Disk>> OvaTarget::begin_disk(const std::string& name,
                                                    const CreateOptions& options) {
  const Format* const format = find_format("vmdk");
  const std::string location = fmt::format("{}!{}", file_->path(), name);
  disk_name_ = name;
  disk_ = std::make_shared<MemberTarget>(file_, end_ + kTarBlock, location);
  auto backend = format->create(CreateRequest{disk_, location, options});
  if (!backend) return std::unexpected(std::move(backend).error().in(location));
  return std::make_unique<Disk>(*format, location, *std::move(backend), disk_);
}

Result<std::uint64_t> OvaTarget::seal_disk(const std::stop_token& stop) {
  VMLIFT_TRY(const std::uint64_t size, disk_->size());
  VMLIFT_TRY(const auto header, tar_header(disk_name_, size));
  VMLIFT_CHECK(file_->write(end_, header));
  VMLIFT_TRY(const std::string digest, sha256_of(*disk_, stop));
  disk_lines_ += manifest_line(disk_name_, digest);
  end_ += member_room(size);
  disk_.reset();
  return size;
}

Result<void> OvaTarget::write_member(std::uint64_t at, std::string_view name,
                                     std::string_view content) {
  VMLIFT_TRY(const auto header, tar_header(name, content.size()));
  VMLIFT_CHECK(file_->write(at, header));
  return file_->write(at + kTarBlock, as_bytes(content));
}

Result<void> OvaTarget::finish(std::string_view descriptor) {
  std::string padded(descriptor);
  if (padded.size() > head_.descriptor_room)
    return fail(ErrorCode::Internal, "the descriptor outgrew the room kept for it");
  // Sizes turned out shorter than they might have been; space behind the root element is XML.
  padded.resize(head_.descriptor_room, '\n');
  VMLIFT_TRY(const std::string digest, sha256_of(padded));
  const std::string manifest = manifest_line(head_.descriptor, digest) + disk_lines_;
  if (manifest.size() != head_.manifest_room)
    return fail(ErrorCode::Internal, "the manifest does not fit the room kept for it");
  VMLIFT_CHECK(write_member(0, head_.descriptor, padded));
  VMLIFT_CHECK(write_member(member_room(head_.descriptor_room), head_.manifest, manifest));
  // Two blocks of zeros end it; what lies between members was never written.
  return file_->resize(end_ + 2 * kTarBlock);
}

}  // namespace vmlift
