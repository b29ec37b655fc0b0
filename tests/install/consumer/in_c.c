/* Copies a disk through the C library and reads it back. */
#include <stdio.h>
#include <string.h>
#include <vmlift.h>

static int fail(vmlift_error *error) {
  fprintf(stderr, "%s\n", vmlift_error_message(error));
  vmlift_error_free(error);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  vmlift_error *error = NULL;
  const char written[] = "written through the C library";

  vmlift_create_options *options = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(options, true);
  vmlift_disk *disk = NULL;
  if (vmlift_disk_create(argv[1], "qcow2", 1 << 20, options, &disk, &error) != VMLIFT_OK ||
      vmlift_disk_write(disk, 512, written, sizeof written, &error) != VMLIFT_OK ||
      vmlift_disk_commit(disk, &error) != VMLIFT_OK) {
    return fail(error);
  }
  vmlift_disk_free(disk);
  vmlift_create_options_free(options);

  char read[sizeof written];
  if (vmlift_disk_open(argv[1], NULL, &disk, &error) != VMLIFT_OK ||
      vmlift_disk_read(disk, 512, read, sizeof read, &error) != VMLIFT_OK) {
    return fail(error);
  }
  vmlift_disk_free(disk);
  printf("vmlift %s\n", vmlift_version());
  return memcmp(written, read, sizeof read) == 0 ? 0 : 1;
}
