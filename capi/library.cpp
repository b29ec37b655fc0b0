#include <cstdlib>
#include <vmlift/version.hpp>

#include "vmlift.h"

const char* vmlift_version() { return VMLIFT_VERSION_STRING; }
void vmlift_free(void* memory) { std::free(memory); }
