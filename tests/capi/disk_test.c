/* A disk is created, written, committed, opened, read and mapped. */
#include "check.h"

static const char kName[] = "disk.raw";
enum { kSize = 1 << 20 };

static void write_a_disk(void) {
  vmlift_create_options *options = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(options, true);
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create(kName, "raw", kSize, options, &disk, &err));
  vmlift_create_options_free(options);
  CHECK_OK(vmlift_disk_write(disk, 5, "hello", 5, &err));
  CHECK_OK(vmlift_disk_write(disk, kSize - 3, "end", 3, &err));
  CHECK_OK(vmlift_disk_flush(disk, &err));
  CHECK_OK(vmlift_disk_commit(disk, &err));
  vmlift_disk_free(disk);
}

static vmlift_disk *opened(void) {
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK_OK(vmlift_open_options_set_format(options, "raw", &err));
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_open(kName, options, &disk, &err));
  vmlift_open_options_free(options);
  return disk;
}

static void read_it_back(void) {
  vmlift_disk *disk = opened();
  CHECK(vmlift_disk_size(disk) == kSize);
  CHECK(strcmp(vmlift_disk_format(disk), "raw") == 0);
  char buffer[8];
  CHECK_OK(vmlift_disk_read(disk, 4, buffer, 8, &err));
  CHECK(memcmp(buffer, "\0hello\0", 8) == 0);
  CHECK_OK(vmlift_disk_read(disk, 0, NULL, 0, &err));
  CHECK(vmlift_disk_write(disk, 0, "x", 1, NULL) == VMLIFT_ERR_PERMISSION);
  vmlift_disk_free(disk);
}

static void map_it(void) {
  vmlift_disk *disk = opened();
  vmlift_map *map = NULL;
  CHECK_OK(vmlift_disk_map(disk, &map, &err));
  vmlift_disk_free(disk); /* a map outlives its disk */
  uint64_t at = 0;
  vmlift_extent extent;
  for (size_t i = 0; vmlift_map_extent(map, i, &extent); ++i) {
    CHECK(extent.offset == at);
    CHECK(extent.flags & VMLIFT_EXTENT_PRESENT);
    CHECK(!(extent.flags & VMLIFT_EXTENT_COMPRESSED));
    at += extent.length;
  }
  CHECK(at == kSize);
  CHECK(!vmlift_map_extent(map, vmlift_map_count(map), &extent));
  CHECK(vmlift_map_extent(map, 0, &extent));
  CHECK(extent.flags & VMLIFT_EXTENT_DATA);
  CHECK((extent.flags & VMLIFT_EXTENT_HOST) && extent.host_offset == 0);
  vmlift_map_free(map);
}

static void ask_it(void) {
  vmlift_disk *disk = opened();
  vmlift_info *info = NULL;
  CHECK_OK(vmlift_disk_info(disk, &info, &err));
  CHECK(strcmp(vmlift_info_format(info), "raw") == 0);
  CHECK(vmlift_info_virtual_size(info) == kSize);
  CHECK(vmlift_info_flags(info) == 0);
  CHECK(vmlift_info_backing_file(info) == NULL);
  CHECK(vmlift_info_warning_count(info) == 0);
  CHECK(vmlift_info_warning(info, 0) == NULL);
  vmlift_info_free(info);
  vmlift_check *check = NULL;
  CHECK(vmlift_disk_check(disk, &check, NULL) == VMLIFT_ERR_UNSUPPORTED_FEATURE);
  CHECK(check == NULL);
  vmlift_disk_free(disk);
}

static void a_disk_without_commit_is_gone(void) {
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create("gone.raw", "raw", 512, NULL, &disk, &err));
  vmlift_disk_free(disk);
  CHECK(vmlift_disk_open("gone.raw", NULL, &disk, NULL) == VMLIFT_ERR_NOT_FOUND);
}

static void it_has_no_points_in_time(void) {
  vmlift_disk *disk = opened();
  vmlift_snapshots *snapshots = NULL;
  CHECK_OK(vmlift_disk_snapshots(disk, &snapshots, &err));
  CHECK(vmlift_snapshots_count(snapshots) == 0);
  CHECK(vmlift_snapshots_name(snapshots, 0) == NULL);
  vmlift_snapshots_free(snapshots);
  vmlift_map *changed = NULL;
  CHECK(vmlift_disk_changes_since(disk, "1", &changed, NULL) != VMLIFT_OK && changed == NULL);
  CHECK(vmlift_disk_discard(disk, 0, 512, NULL) == VMLIFT_ERR_PERMISSION);
  char *id = NULL;
  CHECK(vmlift_disk_take_snapshot(disk, "now", &id, NULL) == VMLIFT_ERR_PERMISSION);
  vmlift_disk_free(disk);
}

static void it_has_bitmaps(void) {
  vmlift_create_options *options = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(options, true);
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create("marked.qcow2", "qcow2", kSize, options, &disk, &err));
  vmlift_create_options_free(options);
  const vmlift_extent marked[] = {{.offset = 5, .length = 1}, {.offset = 200000, .length = 65536}};
  CHECK_OK(vmlift_disk_add_bitmap(disk, "changed", 65536, VMLIFT_BITMAP_ENABLED, marked, 2, &err));
  CHECK(vmlift_disk_add_bitmap(disk, "changed", 65536, 0, NULL, 0, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_add_bitmap(disk, "b", 65536, VMLIFT_BITMAP_CONSISTENT, NULL, 0, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_add_bitmap(disk, "b", 65536, 0, NULL, 1, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK_OK(vmlift_disk_commit(disk, &err));
  vmlift_disk_free(disk);

  vmlift_run_options *run = vmlift_run_options_new();
  vmlift_run_options_set_bitmaps(run, true);
  options = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(options, true);
  CHECK_OK(vmlift_convert("marked.qcow2", NULL, "copy.qcow2", "qcow2", options, run, NULL, &err));
  CHECK(vmlift_convert("marked.qcow2", NULL, "copy.raw", "raw", options, run, NULL, NULL) ==
        VMLIFT_ERR_UNSUPPORTED_FEATURE);
  vmlift_create_options_free(options);
  vmlift_run_options_free(run);

  CHECK_OK(vmlift_disk_open("copy.qcow2", NULL, &disk, &err));
  vmlift_bitmaps *bitmaps = NULL;
  CHECK_OK(vmlift_disk_bitmaps(disk, &bitmaps, &err));
  CHECK(vmlift_bitmaps_count(bitmaps) == 1);
  CHECK(strcmp(vmlift_bitmaps_name(bitmaps, 0), "changed") == 0);
  CHECK(vmlift_bitmaps_granularity(bitmaps, 0) == 65536);
  CHECK(vmlift_bitmaps_flags(bitmaps, 0) == (VMLIFT_BITMAP_ENABLED | VMLIFT_BITMAP_CONSISTENT));
  CHECK(vmlift_bitmaps_name(bitmaps, 1) == NULL);
  vmlift_bitmaps_free(bitmaps);
  vmlift_map *map = NULL;
  CHECK_OK(vmlift_disk_bitmap(disk, "changed", &map, &err));
  CHECK(vmlift_map_count(map) == 2);
  vmlift_extent extent;
  CHECK(vmlift_map_extent(map, 1, &extent));
  CHECK(extent.offset == 3 * 65536 && extent.length == 2 * 65536);
  vmlift_map_free(map);
  CHECK(vmlift_disk_bitmap(disk, "none", &map, NULL) == VMLIFT_ERR_NOT_FOUND);
  vmlift_disk_free(disk);
}

static void it_is_opened_within_limits(void) {
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK_OK(vmlift_open_options_set_format(options, "raw", &err));
  CHECK_OK(vmlift_open_options_set_limit(options, "virtual_size", kSize - 1, &err));
  vmlift_disk *disk = NULL;
  CHECK(vmlift_disk_open(kName, options, &disk, NULL) == VMLIFT_ERR_LIMIT);
  CHECK_OK(vmlift_open_options_set_limit(options, "virtual_size", kSize, &err));
  CHECK_OK(vmlift_disk_open(kName, options, &disk, &err));
  vmlift_disk_free(disk);
  vmlift_open_options_free(options);
}

static void it_refers_to_what_the_caller_allows(void) {
  vmlift_create_options *flat = vmlift_create_options_new();
  vmlift_create_options_set_overwrite(flat, true);
  CHECK_OK(vmlift_create_options_set_option(flat, "subformat", "monolithicFlat", &err));
  vmlift_disk *disk = NULL;
  CHECK_OK(vmlift_disk_create("two-files.vmdk", "vmdk", kSize, flat, &disk, &err));
  vmlift_create_options_free(flat);
  CHECK_OK(vmlift_disk_commit(disk, &err));
  vmlift_disk_free(disk);
  vmlift_open_options *options = vmlift_open_options_new();
  CHECK_OK(vmlift_open_options_set_references(options, "deny", &err));
  CHECK(vmlift_disk_open("two-files.vmdk", options, &disk, NULL) ==
        VMLIFT_ERR_REFERENCE_DENIED);
  CHECK_OK(vmlift_open_options_set_references(options, "same-directory", &err));
  CHECK_OK(vmlift_disk_open("two-files.vmdk", options, &disk, &err));
  vmlift_disk_free(disk);
  vmlift_open_options_free(options);
}

static void raw_is_never_probed(void) {
  char *format = NULL;
  CHECK(vmlift_probe(kName, &format, NULL) == VMLIFT_ERR_UNSAFE_PROBE);
  CHECK(format == NULL);
}

static void formats_are_listed(void) {
  bool raw = false;
  for (size_t i = 0; i < vmlift_format_count(); ++i) {
    CHECK(vmlift_format_description(i) != NULL);
    if (strcmp(vmlift_format_name(i), "raw") == 0) {
      raw = true;
      CHECK(vmlift_format_abilities(i) ==
            (VMLIFT_FORMAT_READ | VMLIFT_FORMAT_WRITE | VMLIFT_FORMAT_CREATE));
    }
  }
  CHECK(raw);
  CHECK(vmlift_format_name(vmlift_format_count()) == NULL);
}

int main(void) {
  write_a_disk();
  read_it_back();
  map_it();
  ask_it();
  it_has_no_points_in_time();
  it_has_bitmaps();
  it_is_opened_within_limits();
  it_refers_to_what_the_caller_allows();
  a_disk_without_commit_is_gone();
  raw_is_never_probed();
  formats_are_listed();
  return 0;
}
