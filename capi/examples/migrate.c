/* migrate PACKAGE DESTINATION: shows what is in an .ova, .ovf or .vmx as JSON, and migrates it.
 *
 *   cc migrate.c $(pkg-config --cflags --libs vmlift) -o migrate */
#include <stdio.h>
#include <vmlift.h>

static int fail(vmlift_error *err) {
  const char *path = vmlift_error_path(err);
  fprintf(stderr, "%s: %s%s%s\n", vmlift_code_name(vmlift_error_code(err)),
          vmlift_error_message(err), path ? ", " : "", path ? path : "");
  vmlift_error_free(err);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s PACKAGE DESTINATION\n", argv[0]);
    return 64;
  }
  vmlift_error *err = NULL;
  vmlift_package *package = NULL;
  vmlift_migration *migration = NULL;
  char *json = NULL;
  vmlift_code code = vmlift_package_open(argv[1], NULL, NULL, &package, &err);
  if (code == VMLIFT_OK) code = vmlift_package_inspect(package, &json, &err);
  if (code == VMLIFT_OK) {
    fputs(json, stdout);
    code = vmlift_migration_prepare(argv[1], argv[2], NULL, NULL, &migration, &err);
  }
  if (code == VMLIFT_OK) code = vmlift_migration_run(migration, NULL, NULL, &err);
  vmlift_migration_free(migration);
  vmlift_free(json);
  vmlift_package_free(package);
  return code == VMLIFT_OK ? 0 : fail(err);
}
