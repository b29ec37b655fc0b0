// Clusters that do not answer.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "cluster.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// The process that holds the objects stands still meanwhile: it neither answers nor refuses.
class Silence {
 public:
  Silence() {
    const auto folder = std::filesystem::path(std::getenv("CEPH_CONF")).parent_path();
    std::ifstream(folder / "ceph-osd.pid") >> osd_;
    REQUIRE(osd_ > 0);
    ::kill(osd_, SIGSTOP);
  }
  ~Silence() { ::kill(osd_, SIGCONT); }
  Silence(const Silence&) = delete;

 private:
  pid_t osd_ = 0;
};

}  // namespace

TEST_SUITE("rbd") {
  TEST_CASE("requests to a cluster that falls silent are Timeout, each of them") {
    if (!have_cluster()) return;
    constexpr std::size_t kWrites = 32;
    constexpr std::size_t kReads = 4;
    const std::string image = fresh_image("silent");
    std::vector<std::string> create = {"rbd", "create", "--size", "64M", image};
    SUBCASE("without a lock or a map of objects") {
      create.insert(create.end(), {"--image-feature", "layering"});
    }
    SUBCASE("with a map of objects, which is written before each new object") {}
    ceph(create);
    OpenOptions options;
    options.writable = true;
    options.limits.io_timeout = 2;
    const auto disk = must(open_disk("rbd:" + image, options));
    const Content content = pattern(kMiB, 1);
    // What the map of objects tells absent would be read without asking.
    must(disk->write(kWrites * kMiB, content));
    std::vector<Content> read(kReads, Content(kMiB));
    std::vector<std::future<Result<void>>> requests;
    const Silence silence;
    for (std::uint64_t i = 0; i < kWrites + kReads; ++i) {
      requests.push_back(std::async(std::launch::async, [&, i] {
        return i < kWrites ? disk->write(i * kMiB, content)
                           : disk->read(i * kMiB, read[i - kWrites]);
      }));
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      CAPTURE(i);
      REQUIRE(requests[i].wait_until(end) == std::future_status::ready);
      CHECK(outcome(requests[i].get()) == "Timeout");
    }
  }

  TEST_CASE("a cluster that does not answer is Timeout") {
    if (!have_cluster()) return;
    TemporaryFolder folder;
    std::ofstream(folder / "ceph.conf") << "[global]\nmon host = 127.0.0.1:1\n"
                                           "auth client required = none\n";
    OpenOptions options;
    options.options["conf"] = folder / "ceph.conf";
    options.limits.io_timeout = 2;
    CHECK(outcome(open_disk("rbd:rbd/image", options)) == "Timeout");
  }
}
