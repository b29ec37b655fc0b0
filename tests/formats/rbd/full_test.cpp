#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Makes the cluster's only OSD tell that it is full, and itself undone at the end. A pool that is
/// over its quota (EDQUOT) cannot be had here: quotas are enforced by what the manager daemon
/// counts, and this cluster has none.
class FullCluster {
 public:
  FullCluster() {
    ceph({"ceph", "tell", "osd.0", "injectfull", "full"});
    wait(true);
  }
  ~FullCluster() {
    run_command({"ceph", "tell", "osd.0", "injectfull", "none"});
    wait(false);
  }
  FullCluster(const FullCluster&) = delete;

 private:
  static void wait(bool full) {
    for (int i = 0; i < 300; ++i) {
      const std::string pools = run_command({"ceph", "osd", "dump"}).output;
      if ((pools.find("full,selfmanaged") != std::string::npos) == full) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
};

}  // namespace

TEST_SUITE("rbd") {
  TEST_CASE("a pool that runs full is NoSpace, and the image is removed") {
    if (!have_cluster()) return;
    constexpr std::uint64_t kSize = 64 << 20;
    const std::string image = fresh_image("full");
    CreateOptions options;
    options.size = kSize;
    options.limits.io_timeout = 30;
    auto disk = must(create_disk("rbd:" + image, "rbd", options));
    must(disk->write(0, pattern(1 << 20, 1)));
    const FullCluster full;
    std::string came_to = "ok";
    for (std::uint64_t at = 8 << 20; at < kSize && came_to == "ok"; at += 4 << 20) {
      came_to = outcome(disk->write(at, pattern(1 << 20, 2)));
    }
    CHECK(came_to == "NoSpace");
    // Poisoned: what follows cannot make it whole.
    CHECK(outcome(disk->commit()) == "NoSpace");
    disk.reset();
    for (const std::string& name : images()) CHECK_FALSE(("rbd/" + name).starts_with(image));
  }
}
