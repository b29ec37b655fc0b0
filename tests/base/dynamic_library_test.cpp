#include "base/dynamic_library.hpp"

#include <doctest/doctest.h>

using namespace vmlift;

TEST_SUITE("libraries loaded when needed") {
  TEST_CASE("a missing library is UnsupportedFeature and names the package to install") {
    const auto library = DynamicLibrary::load("libvmlift-no-such.so.0", "Telepathy", "libtele0");
    REQUIRE_FALSE(library.has_value());
    CHECK(library.error().code() == ErrorCode::UnsupportedFeature);
    CHECK(library.error().message().find("Telepathy") != std::string::npos);
    CHECK(library.error().message().find("install the package libtele0") != std::string::npos);
  }

  TEST_CASE("a library that lacks a call is UnsupportedFeature and names the call") {
    const auto library = DynamicLibrary::load("libm.so.6", "Sums", "libc6");
    REQUIRE(library.has_value());
    double (*cosine)(double) = nullptr;
    REQUIRE(library->find("cos", cosine).has_value());
    CHECK(cosine(0.0) == 1.0);
    const auto absent = library->find("divine", cosine);
    REQUIRE_FALSE(absent.has_value());
    CHECK(absent.error().code() == ErrorCode::UnsupportedFeature);
    CHECK(absent.error().message().find("divine") != std::string::npos);
  }
}
