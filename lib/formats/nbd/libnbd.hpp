// libnbd's calls, loaded at first use: neither the core nor the wheel is linked with it.
#pragma once

#include <libnbd.h>

#include <string>

#include "base/dynamic_library.hpp"
#include "vmlift/error.hpp"

// Every call of libnbd that vmlift makes, without its prefix.
// clang-format off
#define VMLIFT_LIBNBD_CALLS(CALL)                                                                 \
  CALL(create) CALL(close) CALL(get_error) CALL(get_errno) CALL(set_uri_allow_transports)         \
  CALL(set_uri_allow_tls) CALL(set_uri_allow_local_file) CALL(set_tls_certificates)               \
  CALL(set_tls_psk_file) CALL(set_tls_username) CALL(set_tls_verify_peer) CALL(set_opt_mode)      \
  CALL(set_pread_initialize) CALL(set_debug) CALL(set_debug_callback) CALL(add_meta_context) CALL(clear_meta_contexts)                     \
  CALL(can_meta_context) CALL(supports_uri) CALL(supports_tls) CALL(aio_connect_uri)              \
  CALL(aio_opt_go) CALL(aio_opt_list_meta_context) CALL(aio_is_connecting)                        \
  CALL(aio_is_negotiating) CALL(aio_is_ready) CALL(aio_is_processing) CALL(aio_is_dead)           \
  CALL(aio_is_closed) CALL(aio_get_fd) CALL(aio_get_direction) CALL(aio_notify_read)              \
  CALL(aio_notify_write) CALL(get_size) CALL(get_block_size) CALL(get_protocol)                   \
  CALL(get_tls_negotiated) CALL(is_read_only) CALL(can_flush) CALL(can_fua) CALL(can_trim)        \
  CALL(can_zero) CALL(can_fast_zero) CALL(can_multi_conn) CALL(aio_pread) CALL(aio_pwrite)        \
  CALL(aio_zero) CALL(aio_trim) CALL(aio_flush) CALL(aio_block_status)
// clang-format on

namespace vmlift::nbd {

struct LibNbd {
  static Result<LibNbd> load();

#define VMLIFT_LIBNBD_POINTER(name) decltype(&::nbd_##name) name = nullptr;
  VMLIFT_LIBNBD_CALLS(VMLIFT_LIBNBD_POINTER)
#undef VMLIFT_LIBNBD_POINTER
};

}  // namespace vmlift::nbd
