/* convert SOURCE-FORMAT SOURCE TARGET-FORMAT TARGET: copies a disk, with progress.
 *
 *   cc convert.c $(pkg-config --cflags --libs vmlift) -o convert */
#include <inttypes.h>
#include <stdio.h>
#include <vmlift.h>

static int show(void *user, uint64_t done, uint64_t total) {
  (void)user;
  fprintf(stderr, "\r%3.0f %%", total ? 100.0 * (double)done / (double)total : 100.0);
  return 0; /* anything else would stop the copy */
}

static int fail(vmlift_error *err) {
  const char *path = vmlift_error_path(err);
  fprintf(stderr, "%s: %s%s%s\n", vmlift_code_name(vmlift_error_code(err)),
          vmlift_error_message(err), path ? ", " : "", path ? path : "");
  vmlift_error_free(err);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: %s SOURCE-FORMAT SOURCE TARGET-FORMAT TARGET\n", argv[0]);
    return 64;
  }
  vmlift_error *err = NULL;
  vmlift_open_options *source = vmlift_open_options_new();
  vmlift_run_options *run = vmlift_run_options_new();
  vmlift_copy_report *report = NULL;
  vmlift_code code = vmlift_open_options_set_format(source, argv[1], &err);
  vmlift_run_options_set_progress(run, show, NULL);
  if (code == VMLIFT_OK) {
    code = vmlift_convert(argv[2], source, argv[4], argv[3], NULL, run, &report, &err);
  }
  vmlift_run_options_free(run);
  vmlift_open_options_free(source);
  if (code != VMLIFT_OK) return fail(err);

  fprintf(stderr, "\n");
  printf("%" PRIu64 " bytes, of them %" PRIu64 " zeros, in %.1f s\n",
         vmlift_copy_report_size(report), vmlift_copy_report_zero_bytes(report),
         vmlift_copy_report_seconds(report));
  vmlift_copy_report_free(report);
  return 0;
}
