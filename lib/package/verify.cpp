// Checking a package against its manifest.
#include <algorithm>
#include <set>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "codec/digest.hpp"
#include "package/state.hpp"

namespace vmlift {
namespace {

// Large enough that the time goes into hashing, small enough that a cancel is heard at once.
constexpr std::size_t kStep = 1 << 20;
constexpr std::uint64_t kReportEvery = 16 * kStep;

struct Listed {
  const ManifestEntry* entry;
  std::shared_ptr<File> file;
  std::uint64_t size;
};

}  // namespace

Result<Package::Verified> Package::verify_manifest(const VerifyOptions& options) const {
  Verified verified;
  if (!state_->manifest) return verified;
  const Manifest& manifest = *state_->manifest;
  const Contents& contents = state_->contents;

  std::vector<Listed> listed;
  std::set<std::string_view> names;
  for (const ManifestEntry& entry : manifest.entries) {
    auto file = contents.folder->open(entry.file);
    if (!file) {
      return std::unexpected(error(ErrorCode::BadManifest,
                                   "{} lists '{}', which is no file of the package", manifest.name,
                                   printable(entry.file))
                                 .in(contents.location));
    }
    VMLIFT_TRY(const std::uint64_t size, (*file)->size());
    verified.bytes += size;
    ++verified.files;
    names.insert(entry.file);
    listed.push_back({&entry, *std::move(file), size});
  }
  verified.unlisted = state_->needed_files();
  std::erase_if(verified.unlisted, [&](const std::string& name) { return names.contains(name); });
  if (!options.hash) return verified;

  std::vector<std::byte> buffer(kStep);
  std::uint64_t done = 0;
  std::uint64_t reported = 0;
  for (const Listed& item : listed) {
    Digest digest(item.entry->algorithm);
    for (std::uint64_t at = 0; at < item.size;) {
      if (options.stop.stop_requested()) {
        return fail(ErrorCode::Cancelled, "cancelled while the manifest was checked");
      }
      const auto step = std::span(buffer).first(std::min<std::uint64_t>(kStep, item.size - at));
      VMLIFT_CHECK(item.file->read(at, step));
      digest.update(step);
      at += step.size();
      done += step.size();
      if (options.progress && done - reported >= kReportEvery) {
        reported = done;
        options.progress(done, verified.bytes);
      }
    }
    VMLIFT_TRY(const std::string found, digest.finish());
    if (found != item.entry->digest) {
      return std::unexpected(
          error(ErrorCode::ChecksumMismatch, "the {} of '{}' is {}, its manifest says {}",
                digest_name(item.entry->algorithm), item.entry->file, found, item.entry->digest)
              .in(contents.location));
    }
  }
  if (options.progress) options.progress(verified.bytes, verified.bytes);
  return verified;
}

}  // namespace vmlift
