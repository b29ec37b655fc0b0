#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "support/skip.hpp"

namespace {
bool skipped = false;
}

void vmlift::test::skip(std::string_view reason) {
  fmt::print("skipped: {}\n", reason);
  skipped = true;
}

int main(int argc, char** argv) {
  const int result = doctest::Context(argc, argv).run();
  return result == 0 && skipped ? vmlift::test::kSkipped : result;
}
