// The calls of librados and librbd, loaded at first use: neither the core nor the wheel is linked
// with them.
#pragma once

#include <rados/librados.h>
#include <rbd/librbd.h>

#include "base/dynamic_library.hpp"
#include "vmlift/error.hpp"

// Every call that vmlift makes, without its prefix.
// clang-format off
#define VMLIFT_LIBRADOS_CALLS(CALL)                                                               \
  CALL(create) CALL(shutdown) CALL(conf_read_file) CALL(conf_parse_env) CALL(conf_set)            \
  CALL(connect) CALL(get_instance_id) CALL(ioctx_create) CALL(ioctx_destroy)                      \
  CALL(ioctx_set_namespace) CALL(set_pool_full_try) CALL(stat)
// clang-format on

// clang-format off
#define VMLIFT_LIBRBD_CALLS(CALL)                                                                 \
  CALL(open) CALL(open_read_only) CALL(close) CALL(stat) CALL(create4) CALL(remove) CALL(rename)  \
  CALL(clone3) CALL(image_options_create) CALL(image_options_destroy)                             \
  CALL(image_options_set_string) CALL(image_options_set_uint64) CALL(get_features)                \
  CALL(features_to_string) CALL(features_from_string) CALL(get_flags) CALL(get_data_pool_id)      \
  CALL(get_id) CALL(get_size) CALL(lock_acquire) CALL(list_lockers)                               \
  CALL(watchers_list) CALL(watchers_list_cleanup) CALL(metadata_get) CALL(metadata_set)           \
  CALL(metadata_remove) CALL(aio_create_completion) CALL(aio_wait_for_complete)                   \
  CALL(aio_get_return_value) CALL(aio_release) CALL(aio_read) CALL(aio_write)                     \
  CALL(aio_write_zeroes) CALL(aio_discard) CALL(aio_flush) CALL(diff_iterate2) CALL(snap_list)    \
  CALL(snap_list_end) CALL(snap_create) CALL(snap_remove_by_id) CALL(snap_rollback)               \
  CALL(snap_get_timestamp) CALL(snap_get_namespace_type)
// clang-format on

namespace vmlift::rbd {

struct LibRados {
#define VMLIFT_LIBRADOS_POINTER(name) decltype(&::rados_##name) name = nullptr;
  VMLIFT_LIBRADOS_CALLS(VMLIFT_LIBRADOS_POINTER)
#undef VMLIFT_LIBRADOS_POINTER
};

struct LibRbd {
#define VMLIFT_LIBRBD_POINTER(name) decltype(&::rbd_##name) name = nullptr;
  VMLIFT_LIBRBD_CALLS(VMLIFT_LIBRBD_POINTER)
#undef VMLIFT_LIBRBD_POINTER
};

Result<LibRados> load_librados();
Result<LibRbd> load_librbd();

}  // namespace vmlift::rbd
