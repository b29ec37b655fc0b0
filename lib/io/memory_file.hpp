// A file in memory, made of pages that exist once written: what tests, fuzzers and benchmarks
// read and write in place of a file system.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "vmlift/file.hpp"

namespace vmlift {

class MemoryFile : public File {
 public:
  explicit MemoryFile(std::string path = "memory", std::span<const std::byte> content = {});

  const std::string& path() const override { return path_; }
  Result<std::uint64_t> size() const override;
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override;
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override;
  Result<void> zero(Extent extent) override;
  Result<void> resize(std::uint64_t size) override;
  Result<void> sync() override { return {}; }

 private:
  static constexpr std::uint64_t kPage = 64 * 1024;

  mutable std::mutex mutex_;
  std::string path_;
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::vector<std::byte>> pages_;  // by page number
};

}  // namespace vmlift
