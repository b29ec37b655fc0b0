// Arithmetic on numbers that come from a file: it says when it overflows instead of wrapping.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>

namespace vmlift {

template <std::unsigned_integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::unsigned_integral T>
constexpr std::optional<T> checked_multiply(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// Whether [offset, offset + length) lies within [0, size), whatever the numbers.
constexpr bool within(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

/// How many units of `unit` bytes (not 0) hold `value` bytes. Cannot overflow.
constexpr std::uint64_t units_for(std::uint64_t value, std::uint64_t unit) {
  return value / unit + (value % unit != 0);
}

/// Of `length` bytes at `at`, those before the next multiple of `unit` (not 0).
constexpr std::uint64_t up_to_boundary(std::uint64_t at, std::uint64_t length, std::uint64_t unit) {
  return std::min(unit - at % unit, length);
}

/// `alignment` is a power of two. The caller knows that round_up stays below 2^64.
constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t alignment) {
  return value & ~(alignment - 1);
}
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) {
  return round_down(value + alignment - 1, alignment);
}
constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) {
  return (value & (alignment - 1)) == 0;
}

}  // namespace vmlift
