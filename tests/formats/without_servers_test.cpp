// A build without the headers of libnbd and librbd: this program has the sources of such a build in
// place of the library's.
#include <doctest/doctest.h>

#include "support/outcome.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;
using namespace vmlift::test;

TEST_SUITE("a build without servers") {
  TEST_CASE("the formats are known, and each use of them says what was missing") {
    for (const auto& [format, location, library] :
         {std::tuple{"nbd", "nbd://127.0.0.1/disk", "libnbd"},
          std::tuple{"rbd", "rbd:pool/image", "librbd"}}) {
      CAPTURE(format);
      CHECK(find_format(format) != nullptr);
      const auto opened = open_disk(location);
      CHECK(outcome(opened) == "UnsupportedFeature");
      CHECK(outcome(create_disk(location, format, {.size = 512})) == "UnsupportedFeature");
      CHECK(opened.error().describe().find(std::string(library) + "-dev") != std::string::npos);
    }
  }
}
