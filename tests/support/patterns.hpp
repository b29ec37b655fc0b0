// Disk contents for tests: what a byte is follows from its place and a seed, so that a wrong
// byte tells where it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

/// Half compressible, half random, by blocks of 4 KiB; never zero throughout.
inline void fill_pattern(std::span<std::byte> buffer, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t block = 0; block < buffer.size(); block += 4096) {
    const bool compressible = random() % 2 == 0;
    const std::uint64_t word = random() | 1;
    for (std::size_t i = block; i < std::min<std::size_t>(block + 4096, buffer.size()); ++i) {
      const std::uint64_t value = compressible ? word >> (8 * (i % 8)) : random();
      buffer[i] = static_cast<std::byte>(value);
    }
  }
}

inline std::vector<std::byte> pattern(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> bytes(size);
  fill_pattern(bytes, seed);
  return bytes;
}

/// The same as a string, for what is built of strings.
inline std::string some_bytes(std::size_t size, std::uint64_t seed = 1) {
  const auto bytes = pattern(size, seed);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
