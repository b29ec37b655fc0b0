#include "io/tar_header.hpp"

#include <doctest/doctest.h>

#include "base/bytes.hpp"
#include "io/memory_file.hpp"
#include "io/tar.hpp"
#include "support/outcome.hpp"

using namespace vmlift;
using namespace vmlift::test;

TEST_SUITE("io") {
  TEST_CASE("a tar header of our own is one that we read") {
    const auto header = must(tar_header("web-01.ovf", 1000));
    CHECK(is_tar(header));
    CHECK(as_text(std::span(header).subspan(257, 8)) == std::string_view("ustar\00000", 8));
    CHECK(as_text(std::span(header).subspan(124, 12)) == std::string_view("00000001750\0", 12));
  }

  TEST_CASE("sizes from 8 GiB on are in base-256, not in pax") {
    const std::uint64_t limit = std::uint64_t{8} << 30;
    const auto below = must(tar_header("d.vmdk", limit - 1));
    CHECK(as_text(std::span(below).subspan(124, 12)) == std::string_view("77777777777\0", 12));
    const auto at = must(tar_header("d.vmdk", limit));
    CHECK(as_text(std::span(at).subspan(124, 12)) ==
          std::string_view("\x80\0\0\0\0\0\0\x02\0\0\0\0", 12));
    CHECK(is_tar(at));
  }

  TEST_CASE("a name that a header cannot hold is refused") {
    CHECK(tar_header(std::string(100, 'a'), 1));
    CHECK(outcome(tar_header(std::string(101, 'a'), 1)) == "InvalidArgument");
    CHECK(outcome(tar_header("", 1)) == "InvalidArgument");
  }
}
