/* An error carries code, message, path, place and errno to C. */
#include <errno.h>

#include "check.h"

static void a_missing_file_is_not_found(void) {
  vmlift_disk *disk = (vmlift_disk *)1; /* set to NULL by a failure */
  vmlift_error *err;                    /* not initialised: its value does not matter */
  CHECK(vmlift_disk_open("no/such/file", NULL, &disk, &err) == VMLIFT_ERR_NOT_FOUND);
  CHECK(disk == NULL);
  CHECK(vmlift_error_code(err) == VMLIFT_ERR_NOT_FOUND);
  CHECK(strlen(vmlift_error_message(err)) > 0);
  CHECK(strstr(vmlift_error_path(err), "no/such") != NULL);
  CHECK(vmlift_error_os_number(err) == ENOENT);
  CHECK(!vmlift_error_offset(err, NULL));
  vmlift_error_free(err);
}

static void err_may_be_null(void) {
  vmlift_disk *disk = NULL;
  CHECK(vmlift_disk_open("no/such/file", NULL, &disk, NULL) == VMLIFT_ERR_NOT_FOUND);
}

static void a_place_in_the_input_is_told(void) {
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create("place.raw", "raw", 1000, NULL, &disk, &err));
  char buffer[10];
  vmlift_error *err = NULL;
  CHECK(vmlift_disk_read(disk, 995, buffer, sizeof buffer, &err) == VMLIFT_ERR_OUT_OF_RANGE);
  uint64_t offset = 0;
  CHECK(vmlift_error_offset(err, &offset) && offset == 995);
  vmlift_error_free(err);
  vmlift_disk_free(disk);
}

static void bad_options_are_refused_where_they_are_set(void) {
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK(options != NULL);
  CHECK(vmlift_open_options_set_references(options, "sometimes", NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_open_options_set_limit(options, "no_such_limit", 1, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK_OK(vmlift_open_options_set_references(options, "under=/srv", &err));
  CHECK_OK(vmlift_open_options_set_limit(options, "virtual_size", 1, &err));
  vmlift_open_options_free(options);
}

static void codes_have_names(void) {
  CHECK(strcmp(vmlift_code_name(VMLIFT_OK), "OK") == 0);
  CHECK(strcmp(vmlift_code_name(VMLIFT_ERR_TRUNCATED), "Truncated") == 0);
  CHECK(strcmp(vmlift_code_name(VMLIFT_ERR_INTERNAL), "Internal") == 0);
}

int main(void) {
  a_missing_file_is_not_found();
  err_may_be_null();
  a_place_in_the_input_is_told();
  bad_options_are_refused_where_they_are_set();
  codes_have_names();
  return 0;
}
