#include "migrate/names.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace vmlift;

TEST_SUITE("migrate") {
  TEST_CASE("a name from a definition becomes one plain component of a path") {
    CHECK(plain_file_name("web-01") == "web-01");
    CHECK(plain_file_name("web 01 (old)") == "web_01__old_");
    CHECK(plain_file_name("../../etc/passwd") == "_.._etc_passwd");
    CHECK(plain_file_name("-rf") == "rf");
    CHECK(plain_file_name("a\nb\x01$(id)`id`") == "a_b___id__id_");
    CHECK(plain_file_name("") == "machine");
    CHECK(plain_file_name("...") == "machine");
    CHECK(plain_file_name("b\xc3\xbcro") == "b\xc3\xbcro");
    CHECK(plain_file_name(std::string(300, 'x')).size() == 200);
    // 200 bytes would end within the two bytes of an umlaut.
    CHECK(plain_file_name(std::string(199, 'x') + "\xc3\xbc").size() == 199);
  }

  TEST_CASE("no name is given out twice, not even in another case") {
    TargetNames names;
    CHECK(names.take("disk", ".qcow2") == "disk.qcow2");
    CHECK(names.take("disk", ".qcow2") == "disk-2.qcow2");
    CHECK(names.take("DISK", ".qcow2") == "DISK-3.qcow2");
    CHECK(names.take("disk", ".xml") == "disk.xml");
  }

  TEST_CASE("random bytes never make a name that leaves its folder") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 2000; ++round) {
      std::string name(random() % 300, '\0');
      for (char& c : name)
        c = static_cast<char>(random() % 4 == 0 ? "./-\n\\"[random() % 5] : random());
      const std::string plain = plain_file_name(name);
      REQUIRE_FALSE(plain.empty());
      REQUIRE(plain.size() <= 200);
      REQUIRE(plain.find('/') == std::string::npos);
      REQUIRE(plain.front() != '.');
      REQUIRE(plain.front() != '-');
      for (const char c : plain) REQUIRE((static_cast<unsigned char>(c) > 0x20 && c != 0x7f));
    }
  }
}
