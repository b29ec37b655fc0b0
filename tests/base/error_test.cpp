#include <doctest/doctest.h>

#include <cerrno>

#include "base/checked.hpp"
#include "base/fail.hpp"

using namespace vmlift;

TEST_SUITE("errors") {
  TEST_CASE("every code has a name and a meaning") {
    CHECK(error_name(ErrorCode::Truncated) == "Truncated");
    CHECK(error_name(ErrorCode::InvalidArgument) == "InvalidArgument");
    CHECK(error_meaning(ErrorCode::NoSpace) == "the target has no room");
  }

  TEST_CASE("the numbers are pinned for ever") {
    CHECK(static_cast<int>(ErrorCode::Truncated) == 1);
    CHECK(static_cast<int>(ErrorCode::Corrupt) == 13);
    CHECK(static_cast<int>(ErrorCode::Exists) == 22);
    CHECK(static_cast<int>(ErrorCode::Internal) == 34);
  }

  TEST_CASE("an error keeps the nearest path and offset while it climbs") {
    Error inner = error(ErrorCode::Corrupt, "grain {}", 7).at(512).in("a.vmdk");
    Error outer = std::move(inner).at(9999).in("b.ova").during("copying");
    CHECK(outer.describe() == "copying: grain 7, a.vmdk, at byte 512");
    CHECK(outer.offset() == 512);
  }

  TEST_CASE("an errno becomes the code that names it") {
    CHECK(os_error(ENOSPC, "writing").code() == ErrorCode::NoSpace);
    CHECK(os_error(ENOENT, "opening").code() == ErrorCode::NotFound);
    CHECK(os_error(EIO, "reading").code() == ErrorCode::Io);
    CHECK(os_error(EIO, "reading").os_number() == EIO);
  }
}

TEST_SUITE("checked arithmetic") {
  TEST_CASE("overflow is told, not wrapped") {
    CHECK(checked_add<std::uint64_t>(~0ull, 1) == std::nullopt);
    CHECK(checked_multiply<std::uint64_t>(1ull << 40, 1ull << 40) == std::nullopt);
    CHECK(checked_multiply<std::uint64_t>(3, 5) == 15);
  }

  TEST_CASE("a range is within a size without adding its ends") {
    CHECK(within(10, 5, 15));
    CHECK_FALSE(within(10, 6, 15));
    CHECK_FALSE(within(~0ull, 1, 15));
    CHECK_FALSE(within(1, ~0ull, 15));
  }

  TEST_CASE("units are counted up without overflow") {
    CHECK(units_for(0, 512) == 0);
    CHECK(units_for(513, 512) == 2);
    CHECK(units_for(~0ull, 512) == (~0ull >> 9) + 1);
  }
}
