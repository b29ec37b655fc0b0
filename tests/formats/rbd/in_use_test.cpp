// Images that others have open, watch or have locked.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <sstream>

#include "cluster.hpp"
#include "formats/disk_bytes.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// As an administrator does it who believes that the owner of the lock is gone.
void break_lock(const std::string& image) {
  std::istringstream table(ceph({"rbd", "lock", "ls", image}));
  // "client.4123  auto 94001  127.0.0.1:0/1": the lock's name has a space in it.
  std::string owner, word, number;
  while (table >> owner && !owner.starts_with("client.")) {
  }
  table >> word >> number;
  ceph({"rbd", "lock", "rm", image, word + " " + number, owner});
}

}  // namespace

TEST_SUITE("rbd") {
  TEST_CASE("an image that another client has open is InUse; its snapshot is not") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("busy");
    const std::string location = "rbd:" + image;
    import_image(image, pattern(2 * kMiB, 11));
    ceph({"rbd", "snap", "create", "--no-progress", image + "@quiet"});
    OpenOptions options;
    options.writable = true;
    {
      const auto holder = must(open_disk(location, options));
      CHECK(outcome(open_disk(location)) == "InUse");
      CHECK(outcome(open_disk(location, options)) == "InUse");
      CreateOptions over = sized(kMiB);
      over.overwrite = true;
      CHECK(outcome(create_disk(location, "rbd", over)) == "InUse");
      CHECK(outcome(open_disk(location + "@quiet")) == "ok");
      must(holder->write(0, pattern(4096, 12)));
    }
    CHECK(outcome(open_disk(location, options)) == "ok");
  }

  TEST_CASE("an image that somebody watches is InUse, and read when that is asked for") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("watched");
    const std::string location = "rbd:" + image;
    const Content content = pattern(2 * kMiB, 18);
    import_image(image, content);
    OpenOptions writing;
    writing.writable = true;
    OpenOptions sharing;
    sharing.policy.allow_in_use = true;
    {
      // It watches until its input ends, which a FIFO that it holds open itself never does.
      TemporaryFolder folder;
      REQUIRE(::mkfifo((folder / "input").c_str(), 0600) == 0);
      Process watcher({"sh", "-c", "exec rbd watch \"$0\" <>\"$1\"", image, folder / "input"});
      REQUIRE(watcher.wait_until([&] { return outcome(open_disk(location)) == "InUse"; }));
      CHECK(outcome(open_disk(location, writing)) == "InUse");
      CHECK(bytes_of(*must(open_disk(location, sharing))) == content);
    }
  }

  TEST_CASE(
      "an image whose lock is held by one that is gone is InUse, and the lock is not broken") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("locked");
    const std::string location = "rbd:" + image;
    import_image(image, pattern(kMiB, 19));
    ceph({"rbd", "lock", "add", image, "maintenance"});
    OpenOptions writing;
    writing.writable = true;
    CreateOptions over = sized(kMiB);
    over.overwrite = true;
    const auto refused = open_disk(location, writing);
    CHECK(outcome(refused) == "InUse");
    CHECK(refused.error().message().find("rbd lock rm") != std::string::npos);
    CHECK(outcome(open_disk(location)) == "InUse");
    CHECK(outcome(create_disk(location, "rbd", over)) == "InUse");
    CHECK(ceph({"rbd", "lock", "ls", image}).find("maintenance") != std::string::npos);
  }

  TEST_CASE("the lock of an image that is written is taken, and not lent") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("mine");
    import_image(image, pattern(kMiB, 20));
    const std::vector<std::string> other = {"timeout",    "3",     "rbd",       "bench",
                                            "--io-type",  "write", "--io-size", "4096",
                                            "--io-total", "4096",  image};
    {
      OpenOptions writing;
      writing.writable = true;
      const auto disk = must(open_disk("rbd:" + image, writing));
      must(disk->write(0, pattern(4096, 21)));
      CHECK(ceph({"rbd", "lock", "ls", image}).find("1 exclusive lock") != std::string::npos);
      CHECK(run_command(other).status != 0);
      must(disk->write(4096, pattern(4096, 22)));
      must(disk->flush());
    }
    CHECK(run_command(other).status == 0);
  }

  TEST_CASE("an image whose lock is taken away while it is written is InUse, and no write waits") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("robbed");
    import_image(image, pattern(kMiB, 23));
    OpenOptions writing;
    writing.writable = true;
    const auto disk = must(open_disk("rbd:" + image, writing));
    must(disk->write(0, pattern(4096, 24)));
    break_lock(image);
    CHECK(outcome(disk->write(4096, pattern(4096, 25))) == "InUse");
  }

  TEST_CASE("an image that another client shrinks while it is open is SourceChanged") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("shrunk");
    import_image(image, pattern(8 * kMiB, 26));
    OpenOptions writing;
    writing.writable = true;
    const auto disk = must(open_disk("rbd:" + image, writing));
    must(disk->write(0, pattern(4096, 27)));
    // The owner of the lock is asked to do it, and librbd's threads do.
    ceph({"rbd", "resize", "--no-progress", "--allow-shrink", "--size", "5M", image});
    Content read(2 * kMiB);
    must(disk->read(3 * kMiB, read));
    for (const std::uint64_t at : {4 * kMiB, 6 * kMiB}) {
      const auto cut = disk->read(at, read);
      CHECK(outcome(cut) == "SourceChanged");
      CHECK(cut.error().offset() == at);
    }
    SUBCASE("written across its end") {
      CHECK(outcome(disk->write(4 * kMiB, pattern(2 * kMiB, 28))) == "SourceChanged");
    }
    SUBCASE("written beyond its end") {
      CHECK(outcome(disk->write(6 * kMiB, pattern(kMiB, 29))) == "SourceChanged");
    }
    SUBCASE("zeroed across its end") {
      CHECK(outcome(disk->zero({4 * kMiB, 2 * kMiB})) == "SourceChanged");
    }
    SUBCASE("discarded across its end") {
      CHECK(outcome(disk->discard({4 * kMiB, 2 * kMiB})) == "SourceChanged");
    }
  }
}
