// Errors as values. Every call that can fail for a reason outside the program returns
// Result<T>; nothing throws for bad input. An Error is built up as it climbs: the place that
// finds the trouble gives code, message and offset, the gate above it adds the path.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace vmlift {

/// What went wrong, as callers branch on it. Numbers and names are listed in errors.def.
enum class ErrorCode : int {
#define VMLIFT_ERROR(name, c_name, number, text) name = number,
#include <vmlift/errors.def>
#undef VMLIFT_ERROR
};

/// The code's name ("Truncated"), the same in C++, C, Python and on the command line.
std::string_view error_name(ErrorCode code) noexcept;

/// One sentence on what the code means.
std::string_view error_meaning(ErrorCode code) noexcept;

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  /// The file or location concerned. The first path given stays: it is the nearest.
  Error&& in(std::string_view path) && {
    if (path_.empty()) path_ = path;
    return std::move(*this);
  }
  /// The byte offset concerned, in the file or, where the message says so, in the guest.
  Error&& at(std::uint64_t offset) && {
    if (!offset_) offset_ = offset;
    return std::move(*this);
  }
  /// The operating system's errno.
  Error&& os(int number) && {
    os_number_ = number;
    return std::move(*this);
  }
  /// What the caller was doing, put before the message: "opening the parent: ...".
  Error&& during(std::string_view activity) && {
    message_.insert(0, std::string(activity) + ": ");
    return std::move(*this);
  }

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& path() const noexcept { return path_; }
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }
  int os_number() const noexcept { return os_number_; }

  /// "message, path, at byte N" in one line, without the code.
  std::string describe() const;

 private:
  ErrorCode code_;
  int os_number_ = 0;
  std::string message_;
  std::string path_;
  std::optional<std::uint64_t> offset_;
};

template <class T>
using Result = std::expected<T, Error>;

}  // namespace vmlift
