// Errors as C sees them.
#include "border.hpp"

const char* vmlift_code_name(vmlift_code code) {
  // The names are literals: each ends with a NUL.
  return code == VMLIFT_OK ? "OK" : vmlift::error_name(static_cast<vmlift::ErrorCode>(code)).data();
}

vmlift_code vmlift_error_code(const vmlift_error* error) {
  return error == nullptr ? VMLIFT_OK : static_cast<vmlift_code>(error->error.code());
}

const char* vmlift_error_message(const vmlift_error* error) {
  if (error == nullptr) return "";
  const std::string& message = error->error.message();
  return message.empty() ? vmlift::error_meaning(error->error.code()).data() : message.c_str();
}

const char* vmlift_error_path(const vmlift_error* error) {
  return error == nullptr || error->error.path().empty() ? nullptr : error->error.path().c_str();
}

bool vmlift_error_offset(const vmlift_error* error, uint64_t* offset) {
  if (error == nullptr || !error->error.offset()) return false;
  if (offset != nullptr) *offset = *error->error.offset();
  return true;
}

int vmlift_error_os_number(const vmlift_error* error) {
  return error == nullptr ? 0 : error->error.os_number();
}

void vmlift_error_free(vmlift_error* error) { delete error; }
