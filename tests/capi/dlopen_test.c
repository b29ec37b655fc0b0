/* The library can be loaded, used, unloaded and loaded again: a plugin's life. */
#include <dlfcn.h>

#include "check.h"

int main(int argc, char **argv) {
  CHECK(argc == 2);
  for (int round = 0; round < 3; ++round) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    size_t (*count)(void);
    /* ISO C has no conversion from an object pointer to a function's. */
    *(void **)&count = dlsym(library, "vmlift_format_count");
    CHECK(count != NULL && count() > 0);
    CHECK(dlsym(library, "_ZN6vmlift7formatsEv") == NULL); /* C++ stays inside */
    CHECK(dlclose(library) == 0);
  }
  return 0;
}
