/* NULL where an object belongs is an error or nothing, never a crash. */
#include "check.h"

int main(void) {
  vmlift_free(NULL);
  vmlift_error_free(NULL);
  vmlift_open_options_free(NULL);
  vmlift_create_options_free(NULL);
  vmlift_run_options_free(NULL);
  vmlift_cancel_free(NULL);
  vmlift_disk_free(NULL);
  vmlift_map_free(NULL);
  vmlift_info_free(NULL);
  vmlift_check_free(NULL);
  vmlift_snapshots_free(NULL);
  vmlift_bitmaps_free(NULL);
  vmlift_copy_report_free(NULL);
  vmlift_package_free(NULL);
  vmlift_translate_options_free(NULL);
  vmlift_translation_free(NULL);
  vmlift_migrate_options_free(NULL);
  vmlift_migration_free(NULL);

  vmlift_cancel_request(NULL);
  vmlift_open_options_set_writable(NULL, true);
  vmlift_run_options_set_threads(NULL, 1);
  vmlift_run_options_set_bitmaps(NULL, true);
  CHECK(vmlift_error_code(NULL) == VMLIFT_OK);
  CHECK(strcmp(vmlift_error_message(NULL), "") == 0);
  CHECK(vmlift_error_path(NULL) == NULL);
  CHECK(vmlift_disk_size(NULL) == 0);
  CHECK(vmlift_disk_format(NULL) == NULL);
  CHECK(vmlift_map_count(NULL) == 0);
  CHECK(vmlift_info_detail_name(NULL, 0) == NULL);
  CHECK(!vmlift_check_clean(NULL));
  CHECK(vmlift_copy_report_sha256(NULL) == NULL);
  CHECK(vmlift_snapshots_count(NULL) == 0 && vmlift_snapshots_id(NULL, 0) == NULL);

  vmlift_disk *disk = NULL;
  bool same = false;
  char *text = NULL;
  CHECK(vmlift_migrate_options_set_disk_place(NULL, "rbd:vms", NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_migrate_options_set_source(NULL, "scsi0:0", "nbd://store", NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_open(NULL, NULL, &disk, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_open("a", NULL, NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_create("a", NULL, 0, NULL, &disk, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_read(NULL, 0, NULL, 0, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_compare(NULL, NULL, 0, NULL, &same, NULL, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_digest(NULL, NULL, &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_snapshots(NULL, NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_bitmaps(NULL, NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_bitmap(NULL, "a", NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_add_bitmap(NULL, "a", 65536, 0, NULL, 0, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_changes_since(NULL, "1", NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_discard(NULL, 0, 1, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_take_snapshot(NULL, "a", &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_remove_snapshot(NULL, "1", NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_roll_back(NULL, "1", NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_disk_clone_snapshot(NULL, "1", "a", NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_probe("a", NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_convert("a", NULL, NULL, "raw", NULL, NULL, NULL, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);

  vmlift_package *package = NULL;
  vmlift_migration *migration = NULL;
  CHECK(vmlift_package_open(NULL, NULL, NULL, &package, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_package_inspect(NULL, &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_package_assess(NULL, &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_package_kind(NULL) == NULL);
  CHECK(vmlift_translation_count(NULL) == 0 && vmlift_translation_text(NULL, 0) == NULL);
  CHECK(vmlift_migration_prepare("a", NULL, NULL, NULL, &migration, NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_vm_define(NULL, NULL, &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_host_capabilities(NULL, NULL, &text, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_translate_options_set_hypervisor(NULL, "xen", NULL) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(vmlift_migration_run(NULL, NULL, NULL, NULL) == VMLIFT_ERR_INVALID_ARGUMENT);
  return 0;
}
