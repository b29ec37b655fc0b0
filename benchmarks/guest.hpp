// Guest data for benchmarks, and a folder in memory to put images into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

/// Bytes that deflate to about two thirds: words from a small vocabulary between random bytes.
inline std::vector<std::byte> guest_bytes(std::size_t size, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> words(64);
  for (auto& word : words) word = random();
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random() % 100 < 55 ? words[random() % words.size()] : random();
    for (std::size_t k = 0; k < 8; ++k) bytes[i + k] = static_cast<std::byte>(word >> (8 * k));
  }
  return bytes;
}

/// A folder on a memory-backed file system, so that no disk is measured.
class MemoryFolder {
 public:
  MemoryFolder() {
    const char* base = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    path_ = std::filesystem::path(base) /
            ("vmlift-benchmark-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directory(path_);
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryFolder(const MemoryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};
