/* The little that a test in C needs. CHECK holds in every build, unlike assert. */
#ifndef VMLIFT_TESTS_CAPI_CHECK_H
#define VMLIFT_TESTS_CAPI_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmlift.h>

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                       \
    }                                                                                \
  } while (0)

/* CHECK that a call succeeded; otherwise its error is shown. */
#define CHECK_OK(call)                                                                     \
  do {                                                                                     \
    vmlift_error *err = NULL;                                                              \
    if ((call) != VMLIFT_OK) {                                                             \
      fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call,                    \
              vmlift_code_name(vmlift_error_code(err)), vmlift_error_message(err));        \
      exit(1);                                                                             \
    }                                                                                      \
    CHECK(err == NULL);                                                                    \
  } while (0)

#endif
