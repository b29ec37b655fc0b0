#include "migrate/disk_place.hpp"

#include <doctest/doctest.h>

#include "support/outcome.hpp"

using namespace vmlift;
using namespace vmlift::test;

TEST_SUITE("migrate") {
  TEST_CASE("disks in a folder have its path") {
    for (const char* text : {"/srv/vms", "/srv/vms/", "/srv/vms//"}) {
      const DiskPlace place = must(DiskPlace::parse(text));
      CHECK_FALSE(place.on_a_server());
      CHECK(place.location("web.qcow2") == "/srv/vms/web.qcow2");
      CHECK_FALSE(place.target("web.qcow2").server);
    }
    CHECK(must(DiskPlace::parse("/")).location("web.raw") == "/web.raw");
  }

  TEST_CASE("disks of a pool are images, with a namespace or without") {
    for (const char* pool : {"vms", "vms/customers"}) {
      const DiskPlace place = must(DiskPlace::parse(std::string("rbd:") + pool));
      CHECK(place.format() == "rbd");
      CHECK(place.location("web") == std::string("rbd:") + pool + "/web");
      const vm::DiskTarget target = place.target("web");
      CHECK(target.format == "raw");
      CHECK(target.server->protocol == "rbd");
      CHECK(target.server->name == std::string(pool) + "/web");
      CHECK(target.server->host.empty());
    }
  }

  TEST_CASE("disks of an NBD server are its exports") {
    struct Example {
      const char* text;
      const char* location;
      vm::DiskServer server;
    };
    const Example examples[] = {
        {"nbd://store", "nbd://store/web", {"nbd", "web", "store", 10809, "", false}},
        {"nbd://store:10810/", "nbd://store:10810/web", {"nbd", "web", "store", 10810, "", false}},
        {"nbds://me@store", "nbds://me@store/web", {"nbd", "web", "store", 10809, "", true}},
        {"nbd://[::1]:7", "nbd://[::1]:7/web", {"nbd", "web", "::1", 7, "", false}},
        {"nbd+unix:///?socket=/run/n.sock",
         "nbd+unix:///web?socket=/run/n.sock",
         {"nbd", "web", "", 0, "/run/n.sock", false}},
        {"nbds+unix://?socket=/run/n.sock&tls-verify-peer=no",
         "nbds+unix:///web?socket=/run/n.sock&tls-verify-peer=no",
         {"nbd", "web", "", 0, "/run/n.sock", true}},
    };
    for (const Example& example : examples) {
      CAPTURE(example.text);
      const DiskPlace place = must(DiskPlace::parse(example.text));
      CHECK(place.format() == "nbd");
      CHECK(place.location("web") == example.location);
      CHECK(*place.target("web").server == example.server);
    }
  }

  TEST_CASE("what is no place for disks is refused") {
    for (const char* text : {"", "rbd:", "rbd:/", "rbd:vms:conf=/tmp/mine", "rbd:vms@monday",
                             "nbd://", "nbd://store/export", "nbd://store:70000", "nbd://store:x",
                             "nbd+unix:///", "nbd+unix:///export?socket=/run/n.sock"}) {
      CAPTURE(text);
      CHECK(DiskPlace::parse(text).error().code() == ErrorCode::InvalidArgument);
    }
  }
}
