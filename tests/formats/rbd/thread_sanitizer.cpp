// What the thread sanitizer must not report in a program that loads librbd. Ceph's libraries are
// not built with it: it sees the memory that their calls of memcpy, free and the like touch, but
// not the reference counts by which their threads hand that memory to one another. Every such
// report has one of them in a stack of its two accesses. A race between vmlift's own threads has
// not, and is still reported.

// The sanitizer's runtime asks for it by this name.
extern "C" const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __tsan_default_suppressions() {
  return
      // Messages are filled by one of its threads, read by another, freed by a third.
      "race:libceph-common.so\n"
      // Completions and operations are freed by whoever drops the last reference.
      "race:librados.so\n"
      // The same of an image's requests, whose mutex lies in what is freed.
      "race:librbd.so\n";
}
