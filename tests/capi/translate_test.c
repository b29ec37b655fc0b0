/* A VMX becomes a domain, with the caller's own decisions and networks. */
#include "check.h"

static const char kVmx[] =
    "config.version = \"8\"\n"
    "virtualHW.version = \"19\"\n"
    "displayName = \"web-01\"\n"
    "guestOS = \"rhel9-64\"\n"
    "ethernet0.present = \"TRUE\"\n"
    "ethernet0.networkName = \"VM Network\"\n"
    "ethernet0.addressType = \"static\"\n"
    "ethernet0.address = \"00:50:56:01:02:03\"\n";

static const char kMap[] =
    "networks:\n"
    "  VM Network: {network: prod, portgroup: web, vlan: 7}\n";

int main(void) {
  FILE *file = fopen("web-01.vmx", "w");
  CHECK(file != NULL && fputs(kVmx, file) >= 0 && fclose(file) == 0);
  vmlift_error *err = NULL;
  vmlift_package *package = NULL;
  CHECK(vmlift_package_open("web-01.vmx", NULL, NULL, &package, &err) == VMLIFT_OK);

  vmlift_translate_options *options = vmlift_translate_options_new();
  CHECK(vmlift_translate_options_set_profile(options, "tuned", &err) == VMLIFT_OK);
  CHECK(vmlift_translate_options_set_decision(options, "machine", "pc", &err) == VMLIFT_OK);
  CHECK(vmlift_translate_options_set_network_map(options, kMap, &err) == VMLIFT_OK);
  vmlift_translation *translation = NULL;
  CHECK(vmlift_package_translate(package, "libvirt", options, &translation, &err) == VMLIFT_OK);
  CHECK(vmlift_translation_count(translation) == 1);
  const char *domain = vmlift_translation_text(translation, 0);
  CHECK(strstr(domain, "machine=\"pc\"") != NULL);
  CHECK(strstr(domain, "<source network=\"prod\" portgroup=\"web\"") != NULL);
  CHECK(strstr(domain, "<tag id=\"7\"") != NULL);
  CHECK(strstr(domain, "<model type=\"virtio\"") != NULL);
  CHECK(strstr(domain, "00:50:56:01:02:03") != NULL);
  vmlift_translation_free(translation);
  translation = NULL;

  /* What is not known is refused, not ignored. */
  CHECK(vmlift_translate_options_set_decision(options, "machien", "pc", &err) == VMLIFT_OK);
  CHECK(vmlift_package_translate(package, "libvirt", options, &translation, &err) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  CHECK(strstr(vmlift_error_message(err), "machien") != NULL);
  vmlift_error_free(err);
  err = NULL;
  CHECK(vmlift_translate_options_set_network_map(options, "networks: {a: br0}", &err) ==
        VMLIFT_ERR_INVALID_ARGUMENT);
  vmlift_error_free(err);

  vmlift_translate_options_free(options);
  vmlift_package_free(package);
  return 0;
}
