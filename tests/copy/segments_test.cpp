#include "copy/segments.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace vmlift;

TEST_SUITE("segments") {
  TEST_CASE("segments cover the disk once, aligned, and pass over zeros in steps") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
      // Where zeros are written they come in bounded steps, elsewhere in one.
      const std::uint64_t step = round % 2 == 0 ? 64 << 20 : 3 * Segments::kChunk;
      const std::uint64_t size = random() % (64 << 20);
      ExtentSet data;
      for (int i = 0; i < 6; ++i) {
        const std::uint64_t offset = size == 0 ? 0 : random() % size;
        data.add(Extent{offset, std::min<std::uint64_t>(random() % (4 << 20), size - offset)});
      }
      Segments segments(size, Segments::kChunk,
                        [&](std::uint64_t offset, std::uint64_t length) -> Result<std::uint64_t> {
                          const ExtentSet rest = data.within({offset, length});
                          return rest.empty() ? length : rest.begin()->offset - offset;
                        });
      segments.cut_zeros(step);
      std::uint64_t at = 0;
      std::uint64_t index = 0;
      bool last_zero = false;
      while (true) {
        auto segment = segments.next();
        REQUIRE(segment.has_value());
        if (!*segment) break;
        REQUIRE((*segment)->index == index++);
        REQUIRE((*segment)->range.offset == at);
        REQUIRE((*segment)->range.length > 0);
        REQUIRE((at % Segments::kChunk == 0));
        if ((*segment)->zero) {
          REQUIRE((*segment)->range.length <= step);
          REQUIRE_FALSE((last_zero && step == 64 << 20));
          REQUIRE_FALSE(data.overlaps((*segment)->range));
        }
        last_zero = (*segment)->zero;
        at = (*segment)->range.end();
      }
      CHECK(at == size);
    }
  }
}
