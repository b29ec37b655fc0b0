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
  char *id = NULL;
  CHECK(vmlift_disk_take_snapshot(disk, "now", &id, NULL) == VMLIFT_ERR_PERMISSION);
  vmlift_disk_free(disk);
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
  a_disk_without_commit_is_gone();
  raw_is_never_probed();
  formats_are_listed();
  return 0;
}
