// Several files seen as one, one behind the other: the chunks that an OVF may cut a file into.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vmlift/file.hpp"

namespace vmlift {

class ConcatenatedFile : public File {
 public:
  /// Errors: those of asking each part for its size.
  static Result<std::shared_ptr<File>> create(std::vector<std::shared_ptr<File>> parts,
                                              std::string path);

  const std::string& path() const override { return path_; }
  Result<std::uint64_t> size() const override { return starts_.back(); }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override;
  std::shared_ptr<const Folder> beside() const override { return parts_.front()->beside(); }
  Result<void> unchanged() const override;

 private:
  ConcatenatedFile(std::vector<std::shared_ptr<File>> parts, std::vector<std::uint64_t> starts,
                   std::string path)
      : parts_(std::move(parts)), starts_(std::move(starts)), path_(std::move(path)) {}

  /// The part that holds `offset`, which lies within the file.
  std::size_t part_at(std::uint64_t offset) const;

  std::vector<std::shared_ptr<File>> parts_;  // at least one
  std::vector<std::uint64_t> starts_;         // one more than parts: the last is the end
  std::string path_;
};

}  // namespace vmlift
