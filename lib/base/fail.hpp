// Building and passing on errors.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "vmlift/error.hpp"

namespace vmlift {

/// An Error with a formatted message. The format is always a literal of ours: text from an
/// input is an argument, never a format.
template <class... Args>
Error error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// The same, ready to be returned from a function that gives a Result.
template <class... Args>
std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

/// An Error for an errno: the code follows from the number (ENOENT is NotFound, ENOSPC NoSpace).
Error os_error(int number, std::string_view activity);

}  // namespace vmlift

#define VMLIFT_CONCAT_INNER(a, b) a##b
#define VMLIFT_CONCAT(a, b) VMLIFT_CONCAT_INNER(a, b)
#define VMLIFT_TRY_INTO(result, declaration, ...)                     \
  auto result = (__VA_ARGS__);                                        \
  if (!result) return ::std::unexpected(::std::move(result).error()); \
  declaration = *::std::move(result)

/// VMLIFT_TRY(auto x, f()): x is f()'s value, or the function returns f()'s error.
#define VMLIFT_TRY(declaration, ...) \
  VMLIFT_TRY_INTO(VMLIFT_CONCAT(vmlift_try_, __COUNTER__), declaration, __VA_ARGS__)

#define VMLIFT_CHECK_WITH(result, ...)                                  \
  do {                                                                  \
    auto result = (__VA_ARGS__);                                        \
    if (!result) return ::std::unexpected(::std::move(result).error()); \
  } while (false)

/// VMLIFT_CHECK(f()): goes on if f() succeeded, else the function returns f()'s error.
#define VMLIFT_CHECK(...) VMLIFT_CHECK_WITH(VMLIFT_CONCAT(vmlift_check_, __COUNTER__), __VA_ARGS__)
