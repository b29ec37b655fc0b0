// Clusters that do not answer.
#include <doctest/doctest.h>

#include <fstream>

#include "cluster.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

TEST_SUITE("rbd") {
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
