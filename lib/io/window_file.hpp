// A part of another file, seen as a file: a member of an archive, a partition, an offset.
#pragma once

#include <memory>
#include <string>

#include "vmlift/file.hpp"

namespace vmlift {

class WindowFile : public File {
 public:
  /// `window` lies within `file`; the maker has checked that.
  WindowFile(std::shared_ptr<File> file, Extent window, std::string path)
      : file_(std::move(file)), window_(window), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }
  Result<std::uint64_t> size() const override { return window_.length; }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override;
  std::optional<HostPlace> host(std::uint64_t offset) const override;
  Result<void> unchanged() const override { return file_->unchanged(); }

 private:
  std::shared_ptr<File> file_;
  Extent window_;
  std::string path_;
};

}  // namespace vmlift
