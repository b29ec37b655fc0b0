/* Copies report, are verified, digested and compared, and stop when they are told to. */
#include "check.h"

enum { kSize = 64 << 20, kBlock = 1 << 20 };

static vmlift_disk *open_raw(const char *name) {
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK_OK(vmlift_open_options_set_format(options, "raw", &err));
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_open(name, options, &disk, &err));
  vmlift_open_options_free(options);
  return disk;
}

static void make_source(void) {
  vmlift_create_options *options = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(options, true);
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create("source.raw", "raw", kSize, options, &disk, &err));
  unsigned char *block = malloc(kBlock);
  uint32_t state = 1;
  for (uint64_t at = 0; at < kSize; at += 2 * kBlock) { /* every other block stays a hole */
    for (size_t i = 0; i < kBlock; ++i) {
      state = state * 1664525u + 1013904223u;
      block[i] = (unsigned char)(state >> 24);
    }
    CHECK_OK(vmlift_disk_write(disk, at, block, kBlock, &err));
  }
  free(block);
  CHECK_OK(vmlift_disk_commit(disk, &err));
  vmlift_disk_free(disk);
  vmlift_create_options_free(options);
}

struct steps {
  uint64_t last;
  uint64_t total;
  unsigned calls;
};

static int count(void *user, uint64_t done, uint64_t total) {
  struct steps *steps = user;
  steps->last = done;
  steps->total = total;
  ++steps->calls;
  return 0;
}

static vmlift_code copy_to(const char *target, const vmlift_run_options *run,
                           vmlift_copy_report **report, vmlift_error **err) {
  vmlift_open_options *from = vmlift_open_options_new();
  vmlift_create_options *to = vmlift_create_options_new();
  CHECK(vmlift_open_options_set_format(from, "raw", NULL) == VMLIFT_OK);
  vmlift_create_options_set_overwrite(to, true);
  vmlift_code code = vmlift_convert("source.raw", from, target, "raw", to, run, report, err);
  vmlift_open_options_free(from);
  vmlift_create_options_free(to);
  return code;
}

static void a_copy_reports(void) {
  struct steps steps = {0};
  vmlift_run_options *run = vmlift_run_options_new();
  vmlift_run_options_set_progress(run, count, &steps);
  vmlift_run_options_set_verify(run, true);
  vmlift_run_options_set_digest(run, true);
  vmlift_copy_report *report = NULL;
  CHECK_OK(copy_to("target.raw", run, &report, &err));
  CHECK(vmlift_copy_report_size(report) == kSize);
  CHECK(vmlift_copy_report_data_bytes(report) + vmlift_copy_report_zero_bytes(report) == kSize);
  CHECK(vmlift_copy_report_verified(report));
  CHECK(steps.calls > 0 && steps.last == kSize && steps.total == kSize);

  vmlift_disk *source = open_raw("source.raw");
  vmlift_disk *target = open_raw("target.raw");
  char *sha256 = NULL;
  CHECK_OK(vmlift_disk_digest(target, NULL, &sha256, &err));
  CHECK(strcmp(sha256, vmlift_copy_report_sha256(report)) == 0);
  vmlift_free(sha256);
  bool same = false;
  CHECK_OK(vmlift_disk_compare(source, target, 0, NULL, &same, NULL, &err));
  CHECK(same);
  CHECK(vmlift_disk_compare(source, target, 1u << 31, NULL, &same, NULL, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  vmlift_disk_free(source);
  vmlift_disk_free(target);
  vmlift_copy_report_free(report);
  vmlift_run_options_free(run);
}

static void a_difference_is_found(void) {
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK_OK(vmlift_open_options_set_format(options, "raw", &err));
  vmlift_open_options_set_writable(options, true);
  vmlift_disk *target = NULL;
  CHECK_OK(vmlift_disk_open("target.raw", options, &target, &err));
  CHECK_OK(vmlift_disk_write(target, kBlock + 77, "!", 1, &err)); /* in a hole of the source */
  vmlift_disk *source = open_raw("source.raw");
  bool same = true;
  uint64_t where = 0;
  CHECK_OK(vmlift_disk_compare(source, target, 0, NULL, &same, &where, &err));
  CHECK(!same && where == kBlock + 77);
  vmlift_disk_free(source);

  /* The target is still open for writing: who reads it now has to say so. */
  vmlift_open_options_set_writable(options, false);
  CHECK(vmlift_disk_open("target.raw", options, &source, NULL) == VMLIFT_ERR_IN_USE);
  vmlift_open_options_set_allow_in_use(options, true);
  CHECK_OK(vmlift_disk_open("target.raw", options, &source, &err));
  vmlift_disk_free(source);
  vmlift_disk_free(target);
  vmlift_open_options_free(options);
}

static int refuse(void *user, uint64_t done, uint64_t total) {
  (void)user, (void)done, (void)total;
  return 1;
}

static void a_cancelled_copy_leaves_nothing(void) {
  vmlift_cancel *cancel = vmlift_cancel_new();
  vmlift_run_options *run = vmlift_run_options_new();
  vmlift_run_options_set_cancel(run, cancel);
  vmlift_cancel_request(cancel);
  vmlift_copy_report *report = NULL;
  CHECK(copy_to("cancelled.raw", run, &report, NULL) == VMLIFT_ERR_CANCELLED);
  CHECK(report == NULL);
  vmlift_disk *disk = NULL;
  CHECK(vmlift_disk_open("cancelled.raw", NULL, &disk, NULL) == VMLIFT_ERR_NOT_FOUND);
  vmlift_run_options_free(run);
  vmlift_cancel_free(cancel);
}

static void a_callback_may_say_stop(void) {
  vmlift_run_options *run = vmlift_run_options_new();
  vmlift_run_options_set_progress(run, refuse, NULL);
  vmlift_run_options_set_verify(run, true);
  vmlift_code code = copy_to("stopped.raw", run, NULL, NULL);
  /* The only call may be the one at the end, when there is nothing left to stop. */
  CHECK(code == VMLIFT_ERR_CANCELLED || code == VMLIFT_OK);
  vmlift_disk *disk = NULL;
  CHECK(code == VMLIFT_OK ||
        vmlift_disk_open("stopped.raw", NULL, &disk, NULL) == VMLIFT_ERR_NOT_FOUND);
  vmlift_run_options_free(run);
}

int main(void) {
  make_source();
  a_copy_reports();
  a_difference_is_found();
  a_cancelled_copy_leaves_nothing();
  a_callback_may_say_stop();
  return 0;
}
