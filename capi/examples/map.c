/* map FORMAT DISK: lists what lies where; FORMAT "" has it recognised.
 *
 *   cc map.c $(pkg-config --cflags --libs vmlift) -o map */
#include <inttypes.h>
#include <stdio.h>
#include <vmlift.h>

static int fail(vmlift_error *err) {
  fprintf(stderr, "%s: %s\n", vmlift_code_name(vmlift_error_code(err)), vmlift_error_message(err));
  vmlift_error_free(err);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s FORMAT DISK\n", argv[0]);
    return 64;
  }
  vmlift_error *err = NULL;
  vmlift_open_options *options = vmlift_open_options_new();
  vmlift_disk *disk = NULL;
  vmlift_map *map = NULL;
  vmlift_code code = vmlift_open_options_set_format(options, argv[1], &err);
  if (code == VMLIFT_OK) code = vmlift_disk_open(argv[2], options, &disk, &err);
  if (code == VMLIFT_OK) code = vmlift_disk_map(disk, &map, &err);

  vmlift_extent extent;
  for (size_t i = 0; vmlift_map_extent(map, i, &extent); ++i) {
    printf("%" PRIu64 " %" PRIu64 " %s\n", extent.offset, extent.length,
           extent.flags & VMLIFT_EXTENT_ZERO ? "zeros" : "data");
  }
  vmlift_map_free(map);
  vmlift_disk_free(disk);
  vmlift_open_options_free(options);
  return code == VMLIFT_OK ? 0 : fail(err);
}
