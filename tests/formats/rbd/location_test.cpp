#include "formats/rbd/location.hpp"

#include <doctest/doctest.h>

#include "support/outcome.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

TEST_SUITE("rbd: locations") {
  TEST_CASE("a location names pool, namespace, image and snapshot") {
    const rbd::Location plain = must(rbd::parse_location("rbd:vms/web-01"));
    CHECK(plain.pool == "vms");
    CHECK(plain.image == "web-01");
    CHECK(plain.snapshot.empty());
    const rbd::Location whole = must(rbd::parse_location("rbd:vms/tenant/web 01@before update"));
    CHECK(whole.name_space == "tenant");
    CHECK(whole.image == "web 01");
    CHECK(whole.snapshot == "before update");
  }

  TEST_CASE("a location carries no options") {
    for (const char* const text :
         {"rbd:p/i:conf=/evil", "rbd:p/i:id=admin:key=x", "rbd:p/i@s:conf=/evil", "rbd:p\\:/i"}) {
      CAPTURE(text);
      CHECK(outcome(rbd::parse_location(text)) == "ReferenceDenied");
      CHECK(outcome(open_disk(text)) == "ReferenceDenied");
    }
  }

  TEST_CASE("what names no image is InvalidArgument") {
    for (const char* const text : {"rbd:", "rbd:p", "rbd:p/", "rbd:/i", "rbd:p//i", "rbd:p/i@",
                                   "rbd:a/b/c/d", "rbd:p/i@s@t", "rbd:p/i\n"}) {
      CAPTURE(text);
      CHECK(outcome(rbd::parse_location(text)) == "InvalidArgument");
    }
  }
}
