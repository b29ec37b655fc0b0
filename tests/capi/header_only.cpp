// vmlift.h is C++ as well.
#include <vmlift.h>

static_assert(sizeof(vmlift_extent) == 32);

vmlift_code header_only_in_cpp();
vmlift_code header_only_in_cpp() { return VMLIFT_OK; }
