#include "vmlift/error.hpp"

#include <cerrno>
#include <system_error>

#include "base/fail.hpp"

namespace vmlift {

std::string_view error_name(ErrorCode code) noexcept {
  switch (code) {
#define VMLIFT_ERROR(name, c_name, number, text) \
  case ErrorCode::name:                          \
    return #name;
#include <vmlift/errors.def>
#undef VMLIFT_ERROR
  }
  return "Internal";
}

std::string_view error_meaning(ErrorCode code) noexcept {
  switch (code) {
#define VMLIFT_ERROR(name, c_name, number, text) \
  case ErrorCode::name:                          \
    return text;
#include <vmlift/errors.def>
#undef VMLIFT_ERROR
  }
  return "an unknown code";
}

std::string Error::describe() const {
  std::string text = message_;
  if (!path_.empty()) text += fmt::format(", {}", path_);
  if (offset_) text += fmt::format(", at byte {}", *offset_);
  return text;
}

Error os_error(int number, std::string_view activity) {
  ErrorCode code = ErrorCode::Io;
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      code = ErrorCode::NotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::Permission;
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = ErrorCode::NoSpace;
      break;
    case EEXIST:
      code = ErrorCode::Exists;
      break;
    case EBUSY:
    case ETXTBSY:
      code = ErrorCode::InUse;
      break;
    case ENOMEM:
      code = ErrorCode::NoMemory;
      break;
    case ETIMEDOUT:
      code = ErrorCode::Timeout;
      break;
    default:
      break;
  }
  return error(code, "{}: {}", activity, std::generic_category().message(number)).os(number);
}

}  // namespace vmlift
