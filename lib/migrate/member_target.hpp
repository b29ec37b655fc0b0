// A member of an archive that is being written, as the file of a disk that is being made.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "vmlift/format.hpp"

namespace vmlift {

/// The bytes of `archive` from `begin` on. It grows as it is written and gets no name of its own:
/// the archive's is what counts.
class MemberTarget : public TargetFile, public std::enable_shared_from_this<MemberTarget> {
 public:
  MemberTarget(std::shared_ptr<File> archive, std::uint64_t begin, std::string path)
      : archive_(std::move(archive)), begin_(begin), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }
  Result<std::uint64_t> size() const override { return end_.load(); }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override;
  Result<void> sync() override { return archive_->sync(); }

  Result<std::shared_ptr<File>> extra(const std::string& name) override;
  Result<std::shared_ptr<File>> pending(std::string_view name) override;
  Result<void> publish() override { return {}; }

 private:
  std::shared_ptr<File> archive_;
  std::uint64_t begin_;
  std::string path_;
  std::atomic<std::uint64_t> end_ = 0;  // of what was written; writes may come from threads
};

}  // namespace vmlift
