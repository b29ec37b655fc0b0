// Results in tests: what became of a call as a word, and the value of a call that must succeed.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "vmlift/error.hpp"

namespace vmlift::test {

/// "ok", or the name of the error's code: CHECK(outcome(call()) == "Truncated").
template <class T>
std::string outcome(const Result<T>& result) {
  if (result) return "ok";
  INFO(result.error().describe());
  return std::string(error_name(result.error().code()));
}

/// The value of a call that must succeed; otherwise the test case ends with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result) {
    FAIL(error_name(result.error().code()) << ": " << result.error().describe());
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace vmlift::test
