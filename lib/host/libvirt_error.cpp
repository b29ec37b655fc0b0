#include "host/libvirt_error.hpp"

#include "base/fail.hpp"

namespace vmlift::host {
namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case VIR_ERR_NO_MEMORY:
      return ErrorCode::NoMemory;
    case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_CONFIG_UNSUPPORTED:
    case VIR_ERR_OPERATION_UNSUPPORTED:
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
    case VIR_ERR_CPU_INCOMPATIBLE:
      return ErrorCode::UnsupportedFeature;
    // What the document says: not well-formed, not of the schema, or without a needed element.
    case VIR_ERR_XML_ERROR:
    case VIR_ERR_XML_DETAIL:
    case VIR_ERR_XML_INVALID_SCHEMA:
    case VIR_ERR_OS_TYPE:
    case VIR_ERR_NO_NAME:
    case VIR_ERR_NO_OS:
      return ErrorCode::BadXml;
    case VIR_ERR_DOM_EXIST:
      return ErrorCode::Exists;
    case VIR_ERR_NO_DOMAIN:
      return ErrorCode::NotFound;
    case VIR_ERR_INVALID_ARG:
      return ErrorCode::InvalidArgument;
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return ErrorCode::Permission;
    case VIR_ERR_OPERATION_TIMEOUT:
      return ErrorCode::Timeout;
    default:
      return ErrorCode::Io;
  }
}

}  // namespace

Error last_error(const Libvirt& libvirt, std::string_view activity) {
  const virError* const last = libvirt.GetLastError();
  if (last == nullptr) return error(ErrorCode::Io, "{}: libvirt gives no reason", activity);
  return error(code_of(last->code), "{}: {}", activity,
               last->message == nullptr ? "libvirt gives no reason" : last->message);
}

}  // namespace vmlift::host
