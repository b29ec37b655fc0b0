/* A VMX becomes a domain of libvirt's test driver, once. */
#include "check.h"

static const char kVmx[] =
    "config.version = \"8\"\n"
    "virtualHW.version = \"19\"\n"
    "displayName = \"web-01\"\n"
    "uuid.bios = \"56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22\"\n";

int main(void) {
  FILE *file = fopen("web-01.vmx", "w");
  CHECK(file != NULL && fputs(kVmx, file) >= 0 && fclose(file) == 0);

  vmlift_error *err = NULL;
  vmlift_package *package = NULL;
  CHECK(vmlift_package_open("web-01.vmx", NULL, NULL, &package, &err) == VMLIFT_OK);

  char *concerns = NULL;
  CHECK(vmlift_package_assess(package, &concerns, &err) == VMLIFT_OK);
  CHECK(strstr(concerns, "\"disk.none\"") != NULL);
  vmlift_free(concerns);

  vmlift_translate_options *options = vmlift_translate_options_new();
  CHECK(vmlift_translate_options_set_hypervisor(options, "qemu", &err) == VMLIFT_OK);
  CHECK(vmlift_translate_options_set_capabilities(options, "no XML", &err) == VMLIFT_OK);
  vmlift_translation *translation = NULL;
  CHECK(vmlift_package_translate(package, "libvirt", options, &translation, &err) ==
        VMLIFT_ERR_BAD_XML);
  vmlift_error_free(err);
  CHECK(vmlift_translate_options_set_capabilities(options, "", &err) == VMLIFT_OK);
  CHECK(vmlift_package_translate(package, "libvirt", options, &translation, &err) == VMLIFT_OK);
  const char *domain = vmlift_translation_text(translation, 0);
  CHECK(strstr(domain, "type=\"qemu\"") != NULL || strstr(domain, "type='qemu'") != NULL);

  char *uuid = NULL;
  const vmlift_code code = vmlift_vm_define(domain, "test:///default", &uuid, &err);
  if (code == VMLIFT_ERR_UNSUPPORTED_FEATURE) {
    printf("skipped: %s\n", vmlift_error_message(err));
    vmlift_error_free(err);
  } else {
    CHECK(code == VMLIFT_OK);
    /* As the guest sees it. */
    CHECK(strcmp(uuid, "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122") == 0);
    vmlift_free(uuid);
    /* The driver's own domain is called "test". */
    CHECK(vmlift_vm_define("<domain type='test'><name>test</name></domain>", "test:///default",
                           NULL, &err) == VMLIFT_ERR_EXISTS);
    vmlift_error_free(err);
  }

  vmlift_translation_free(translation);
  vmlift_translate_options_free(options);
  vmlift_package_free(package);
  return 0;
}
