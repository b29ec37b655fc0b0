/* vmlift.h needs nothing before it and brings nothing that clashes. */
#include <vmlift.h>

/* The frozen struct, byte for byte. */
_Static_assert(sizeof(vmlift_extent) == 32, "vmlift_extent never changes");
_Static_assert(offsetof(vmlift_extent, host_offset) == 16, "vmlift_extent never changes");
_Static_assert(offsetof(vmlift_extent, depth) == 24, "vmlift_extent never changes");
_Static_assert(offsetof(vmlift_extent, flags) == 28, "vmlift_extent never changes");

/* Flags are numbers, not types: no tool sees them change, so they are pinned here. */
_Static_assert(VMLIFT_FORMAT_READ == 1 && VMLIFT_FORMAT_WRITE == 2 && VMLIFT_FORMAT_CREATE == 4,
               "pinned");
_Static_assert(VMLIFT_EXTENT_PRESENT == 1 && VMLIFT_EXTENT_ZERO == 2 && VMLIFT_EXTENT_DATA == 4 &&
                   VMLIFT_EXTENT_COMPRESSED == 8 && VMLIFT_EXTENT_HOST == 16,
               "pinned");
_Static_assert(VMLIFT_INFO_COMPRESSED == 1 && VMLIFT_INFO_ENCRYPTED == 2 &&
                   VMLIFT_INFO_DIRTY == 4 && VMLIFT_INFO_CORRUPT == 8,
               "pinned");
_Static_assert(VMLIFT_COMPARE_IGNORE_SIZE == 1, "pinned");

vmlift_code header_only(void);
vmlift_code header_only(void) { return VMLIFT_OK; }
