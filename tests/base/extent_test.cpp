#include "vmlift/extent.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace vmlift;

TEST_SUITE("extent sets") {
  TEST_CASE("touching extents become one") {
    ExtentSet set{{0, 10}, {20, 10}};
    set.add(Extent{10, 10});
    CHECK(set == ExtentSet{{0, 30}});
    CHECK(set.count() == 1);
  }

  TEST_CASE("removing the middle leaves both ends") {
    ExtentSet set{{0, 30}};
    set.remove(Extent{10, 10});
    CHECK(set == ExtentSet{{0, 10}, {20, 10}});
    CHECK_FALSE(set.overlaps({10, 10}));
    CHECK(set.overlaps({9, 2}));
  }

  TEST_CASE("gaps are what a window has beside the set") {
    ExtentSet set{{10, 10}, {30, 10}};
    CHECK(set.gaps({0, 50}) == ExtentSet{{0, 10}, {20, 10}, {40, 10}});
    CHECK(set.within({15, 20}) == ExtentSet{{15, 5}, {30, 5}});
  }

  TEST_CASE("random additions and removals agree with a bit for every byte") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
      std::vector<bool> model(200);
      ExtentSet set;
      for (int step = 0; step < 40; ++step) {
        const Extent extent{random() % 180, random() % 20};
        const bool add = random() % 3 != 0;
        if (add)
          set.add(extent);
        else
          set.remove(extent);
        for (auto at = extent.offset; at < extent.end(); ++at) model[at] = add;
      }
      std::uint64_t total = 0;
      for (std::size_t at = 0; at < model.size(); ++at) {
        total += model[at];
        REQUIRE(set.contains({at, 1}) == model[at]);
      }
      CHECK(set.total() == total);
      std::uint64_t last_end = 0;
      for (const Extent& extent : set) {
        if (last_end != 0) REQUIRE(extent.offset > last_end);
        last_end = extent.end();
      }
      CHECK(set.intersection(set) == set);
      CHECK(set.gaps({0, 200}).total() == 200 - total);
    }
  }
}
