// Numbers in byte buffers, of stated byte order and any alignment, and views between bytes and
// characters.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace vmlift {

using Bytes = std::vector<std::byte>;

template <std::unsigned_integral T>
constexpr T byte_swap(T value) {
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  return value;
}

template <std::unsigned_integral T>
T load_native(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  // subspan checks under _GLIBCXX_ASSERTIONS: a table read past its buffer is our bug.
  std::memcpy(&value, bytes.subspan(offset, sizeof(T)).data(), sizeof(T));
  return value;
}

template <std::unsigned_integral T>
T load_le(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value = load_native<T>(bytes, offset);
  return std::endian::native == std::endian::little ? value : byte_swap(value);
}
template <std::unsigned_integral T>
T load_be(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value = load_native<T>(bytes, offset);
  return std::endian::native == std::endian::big ? value : byte_swap(value);
}

template <std::unsigned_integral T>
void store_native(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.subspan(offset, sizeof(T)).data(), &value, sizeof(T));
}
template <std::unsigned_integral T>
void store_le(std::span<std::byte> bytes, std::size_t offset, T value) {
  store_native(bytes, offset,
               std::endian::native == std::endian::little ? value : byte_swap(value));
}
template <std::unsigned_integral T>
void store_be(std::span<std::byte> bytes, std::size_t offset, T value) {
  store_native(bytes, offset, std::endian::native == std::endian::big ? value : byte_swap(value));
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Whether every byte is zero, at memory speed: a buffer equals itself moved by one.
inline bool all_zero(std::span<const std::byte> bytes) {
  if (bytes.empty()) return true;
  return bytes.front() == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace vmlift
