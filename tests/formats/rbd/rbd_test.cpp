#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster.hpp"
#include "formats/disk_bytes.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// Data, 20 MiB of nothing, data that ends anywhere.
Content scattered(std::uint64_t seed) {
  Content content = pattern(9 * kMiB, seed);
  content.resize(29 * kMiB);
  const Content more = pattern(3 * kMiB + 512, seed + 1);
  content.insert(content.end(), more.begin(), more.end());
  return content;
}

std::ptrdiff_t lines(const std::string& text) { return std::ranges::count(text, '\n'); }

/// Whether `image` left something under another name: IMAGE.KIND-RANDOM.
bool left_of(const std::string& image, const std::string& kind) {
  return std::ranges::any_of(images(), [&](const std::string& name) {
    return ("rbd/" + name).starts_with(image + "." + kind);
  });
}

}  // namespace

TEST_SUITE("rbd") {
  TEST_CASE("a copy arrives whole under its name, and nothing else is left") {
    if (!have_cluster()) return;
    TemporaryFolder folder;
    const Content content = scattered(1);
    write_file(folder / "source", content);
    const std::string image = fresh_image("copy");
    ConvertRequest request{.source = folder / "source",
                           .source_options = {.format = "raw"},
                           .target = "rbd:" + image,
                           .target_format = "raw"};
    request.copy.verify = true;
    SUBCASE("as the cluster likes it") {}
    SUBCASE("small objects, few features") {
      request.target_options.options = {{"object_size", "64K"}, {"features", "layering"}};
    }
    SUBCASE("data in another pool") {
      ceph({"ceph", "osd", "pool", "create", "data", "8"});
      request.target_options.options = {{"data_pool", "data"}};
    }
    const CopyReport report = must(convert(request));
    CHECK(report.verified);
    CHECK(report.zero_bytes >= 19 * kMiB);
    // Objects of 4 MiB: three of the first data, one or two of the last, none of the zeros.
    if (request.target_options.options.empty()) {
      CHECK(lines(ceph({"rbd", "diff", "--whole-object", image})) <= 1 + 5);
    }
    CHECK(exported(image) == content);
    CHECK_FALSE(left_of(image, "partial"));
    const std::string info = ceph({"rbd", "info", image});
    if (request.target_options.options.contains("object_size")) {
      CHECK(info.find("order 16") != std::string::npos);
      CHECK(info.find("exclusive-lock") == std::string::npos);
    }
    if (request.target_options.options.contains("data_pool")) {
      CHECK(info.find("data_pool: data") != std::string::npos);
    }
  }

  TEST_CASE("nothing is written for zeros") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("sparse");
    const auto disk = must(create_disk("rbd:" + image, "rbd", sized(400 * kMiB)));
    CHECK(disk->capabilities().zero_initialised);
    must(disk->write(200 * kMiB, pattern(kMiB, 2)));
    must(disk->commit());
    CHECK(ceph({"rbd", "diff", "--whole-object", image}).find("209715200") != std::string::npos);
    const auto map = must(must(open_disk("rbd:" + image))->map());
    REQUIRE(map.size() == 3);
    CHECK(map[0].zero);
    CHECK(map[1].data);
    CHECK(map[1].offset == 200 * kMiB);
    CHECK(map[1].length == 4 * kMiB);
    CHECK(map[2].zero);
  }

  TEST_CASE("images, snapshots and clones are read, by name and by id") {
    if (!have_cluster()) return;
    const Content first = scattered(3);
    const std::string image = fresh_image("read");
    import_image(image, first);
    ceph({"rbd", "snap", "create", "--no-progress", image + "@monday"});
    Content second = first;
    const std::string location = "rbd:" + image;
    {
      OpenOptions options;
      options.writable = true;
      const auto disk = must(open_disk(location, options));
      const Content change = pattern(100001, 4);
      must(disk->write(5 * kMiB + 77, change));
      std::ranges::copy(change, second.begin() + 5 * kMiB + 77);
      must(disk->zero({12345, 3 * kMiB}));
      std::fill_n(second.begin() + 12345, 3 * kMiB, std::byte{0});
      must(disk->flush());
    }
    const auto now = must(open_disk(location));
    CHECK(bytes_of(*now) == second);
    const DiskInfo info = must(now->info());
    REQUIRE(info.snapshots.size() == 1);
    CHECK(info.snapshots[0].name == "monday");
    CHECK(info.snapshots[0].virtual_size == first.size());
    CHECK(bytes_of(*must(open_disk(location + "@monday"))) == first);
    OpenOptions by_id;
    by_id.snapshot = info.snapshots[0].id;
    CHECK(bytes_of(*must(open_disk(location, by_id))) == first);
    CHECK(outcome(open_disk(location + "@tuesday")) == "NotFound");
    const std::string copy = fresh_image("clone");
    ceph({"rbd", "clone", "--rbd-default-clone-format", "2", image + "@monday", copy});
    const auto clone = must(open_disk("rbd:" + copy));
    CHECK(bytes_of(*clone) == first);
    const auto map = must(clone->map());
    CHECK(std::ranges::any_of(map, [](const DiskExtent& run) { return run.zero; }));
  }

  TEST_CASE("an image without a map of objects has a map all the same") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("plain");
    ceph({"rbd", "create", "--size", "2100M", "--image-feature", "layering", image});
    OpenOptions options;
    options.writable = true;
    {
      const auto disk = must(open_disk("rbd:" + image, options));
      must(disk->write(1500 * kMiB, pattern(kMiB, 5)));
      must(disk->flush());
    }
    const auto map = must(must(open_disk("rbd:" + image))->map());
    REQUIRE(map.size() == 3);
    CHECK(map[1].data);
    CHECK(map[1].offset <= 1500 * kMiB);
    CHECK(map[1].end() >= 1501 * kMiB);
  }

  TEST_CASE("the map knows what was written while others asked for it") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("asked");
    ceph({"rbd", "create", "--size", "64M", image});
    OpenOptions options;
    options.writable = true;
    const auto disk = must(open_disk("rbd:" + image, options));
    const std::jthread asking([&](std::stop_token end) {
      while (!end.stop_requested()) (void)disk->extent(0, disk->size());
    });
    for (std::uint64_t at = 0; at < disk->size(); at += 4 * kMiB) {
      must(disk->write(at, pattern(kMiB, at)));
      CHECK(must(disk->extent(at, kMiB)).data);
    }
  }

  TEST_CASE("an existing image is replaced only when that is asked for") {
    if (!have_cluster()) return;
    const Content before = pattern(2 * kMiB, 6);
    const Content after = pattern(3 * kMiB, 7);
    const std::string image = fresh_image("exists");
    const std::string location = "rbd:" + image;
    import_image(image, before);
    CHECK(outcome(create_disk(location, "rbd", sized(after.size()))) == "Exists");
    CreateOptions options = sized(after.size());
    options.overwrite = true;
    {
      const auto disk = must(create_disk(location, "rbd", options));
      must(disk->write(0, after));
      must(disk->complete());
      CHECK(exported(image) == before);
      must(disk->publish());
    }
    CHECK(exported(image) == after);
    ceph({"rbd", "snap", "create", "--no-progress", image + "@keep"});
    CHECK(outcome(create_disk(location, "rbd", options)) == "Exists");
    CHECK(exported(image) == after);
    CHECK_FALSE(left_of(image, "replaced"));
  }

  TEST_CASE("what somebody needs meanwhile of the image to be replaced is not removed") {
    if (!have_cluster()) return;
    const Content before = pattern(2 * kMiB, 30);
    const Content after = pattern(3 * kMiB, 31);
    const std::string image = fresh_image("needed");
    import_image(image, before);
    CreateOptions options = sized(after.size());
    options.overwrite = true;
    auto disk = must(create_disk("rbd:" + image, "rbd", options));
    must(disk->write(0, after));
    must(disk->complete());
    SUBCASE("a snapshot: both images stay as they are") {
      ceph({"rbd", "snap", "create", "--no-progress", image + "@keep"});
      CHECK(outcome(disk->publish()) == "Exists");
      disk.reset();
      CHECK(exported(image) == before);
      CHECK_FALSE(left_of(image, "replaced"));
    }
    SUBCASE("a clone, whose snapshot has been removed by its name") {
      ceph({"rbd", "snap", "create", "--no-progress", image + "@parent"});
      ceph({"rbd", "clone", "--rbd-default-clone-format", "2", image + "@parent",
            fresh_image("child")});
      ceph({"rbd", "snap", "rm", "--no-progress", image + "@parent"});
      CHECK(outcome(disk->publish()) == "Exists");
      disk.reset();
      CHECK(exported(image) == before);
      CHECK_FALSE(left_of(image, "replaced"));
    }
    SUBCASE("a group, which its removal alone tells: the new image is there, the old one named") {
      ceph({"rbd", "group", "create", image + "-group"});
      ceph({"rbd", "group", "image", "add", image + "-group", image});
      const auto published = disk->publish();
      REQUIRE_FALSE(published);
      CHECK(published.error().message().find(image.substr(4) + ".replaced-") != std::string::npos);
      const auto began = std::chrono::steady_clock::now();
      disk.reset();
      CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(1));
      CHECK(exported(image) == after);
      CHECK(left_of(image, "replaced"));
    }
    CHECK_FALSE(left_of(image, "partial"));
  }

  TEST_CASE("a name that somebody else took meanwhile is Exists, and theirs stays") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("race");
    {
      const auto disk = must(create_disk("rbd:" + image, "rbd", sized(kMiB)));
      must(disk->write(0, pattern(kMiB, 8)));
      import_image(image, pattern(5000, 9));
      CHECK(outcome(disk->commit()) == "Exists");
    }
    CHECK(exported(image) == pattern(5000, 9));
    CHECK_FALSE(left_of(image, "partial"));
  }

  TEST_CASE("a target that is given up leaves nothing; one that was killed is Incomplete") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("gone");
    {
      const auto disk = must(create_disk("rbd:" + image, "rbd", sized(8 * kMiB)));
      must(disk->write(0, pattern(8 * kMiB, 10)));
      const auto while_written = images();
      CHECK(std::ranges::count_if(while_written, [&](const std::string& name) {
              return ("rbd/" + name).starts_with(image + ".partial-");
            }) == 1);
    }
    for (const std::string& name : images()) {
      CHECK_FALSE(("rbd/" + name).starts_with(image));
    }
    // What a killed process leaves behind: the image under its other name, marked.
    ceph({"rbd", "create", "--size", "8M", image + ".partial-1"});
    ceph({"rbd", "image-meta", "set", image + ".partial-1", "vmlift.state", "incomplete"});
    CHECK(outcome(open_disk("rbd:" + image + ".partial-1")) == "Incomplete");
    // Its lock may still be there.
    ceph({"rbd", "lock", "add", image + ".partial-1", "auto 1"});
    CHECK(outcome(open_disk("rbd:" + image + ".partial-1")) == "Incomplete");
    OpenOptions options;
    options.writable = true;
    CHECK(outcome(open_disk("rbd:" + image + ".partial-1", options)) == "Incomplete");
  }

  TEST_CASE("changes are told since a snapshot by its id, not by its name") {
    if (!have_cluster()) return;
    const std::string image = fresh_image("changes");
    const std::string location = "rbd:" + image;
    import_image(image, scattered(13));
    OpenOptions options;
    options.writable = true;
    const auto disk = must(open_disk(location, options));
    const SnapshotInfo base = must(disk->take_snapshot("base"));
    CHECK(base.name == "base");
    CHECK(outcome(disk->take_snapshot("base")) == "Exists");
    CHECK(must(disk->changes_since(base.id)).empty());
    must(disk->write(6 * kMiB, pattern(65536, 14)));
    must(disk->zero({16 * kMiB, 4 * kMiB}));
    must(disk->flush());
    const ExtentSet changed = must(disk->changes_since(base.id));
    CHECK(changed.contains({6 * kMiB, 65536}));
    CHECK(changed.total() < 10 * kMiB);
    const SnapshotInfo later = must(disk->take_snapshot("later"));
    CHECK(must(must(open_disk(location + "@later"))->changes_since(base.id)) == changed);
    must(disk->remove_snapshot(base.id));
    const SnapshotInfo again = must(disk->take_snapshot("base"));
    CHECK(again.id != base.id);
    CHECK(outcome(disk->changes_since(base.id)) == "NotFound");
    CHECK(must(disk->changes_since(again.id)).empty());
    CHECK(outcome(disk->remove_snapshot("no such")) == "NotFound");
    // Administration that failed has not poisoned the disk.
    must(disk->write(0, pattern(4096, 15)));
    must(disk->remove_snapshot(later.id));
    must(disk->remove_snapshot(again.id));
  }

  TEST_CASE("a disk is rolled back to a snapshot, and cloned from one") {
    if (!have_cluster()) return;
    const Content first = scattered(16);
    const std::string image = fresh_image("back");
    const std::string copy = fresh_image("branch");
    import_image(image, first);
    {
      OpenOptions options;
      options.writable = true;
      const auto disk = must(open_disk("rbd:" + image, options));
      const SnapshotInfo before = must(disk->take_snapshot("before"));
      must(disk->write(kMiB, pattern(kMiB, 17)));
      must(disk->roll_back(before.id));
      must(disk->clone_snapshot(before.id, "rbd:" + copy));
      CHECK(outcome(disk->clone_snapshot(before.id, "rbd:" + copy)) == "Exists");
    }
    CHECK(exported(image) == first);
    CHECK(exported(copy) == first);
  }

  TEST_CASE("what is not there is NotFound, and options are the caller's") {
    if (!have_cluster()) return;
    TemporaryFolder folder;
    CHECK(outcome(open_disk("rbd:rbd/no-such-image")) == "NotFound");
    CHECK(outcome(open_disk("rbd:no-such-pool/image")) == "NotFound");
    OpenOptions options;
    options.options["conf"] = folder / "no.conf";
    CHECK(outcome(open_disk("rbd:rbd/image", options)) == "NotFound");
    options.options = {{"colour", "red"}};
    CHECK(outcome(open_disk("rbd:rbd/image", options)) == "InvalidArgument");
    options.options = {{"object_size", "4M"}};
    CHECK(outcome(open_disk("rbd:rbd/image", options)) == "InvalidArgument");
    const std::string image = "rbd:" + fresh_image("options");
    for (const char* const size : {"3M", "1K", "64M", "4Q", ""}) {
      CAPTURE(size);
      CreateOptions create = sized(kMiB);
      create.options["object_size"] = size;
      CHECK(outcome(create_disk(image, "rbd", create)) == "InvalidArgument");
    }
    CreateOptions create = sized(kMiB);
    create.options["features"] = "time-travel";
    CHECK(outcome(create_disk(image, "rbd", create)) == "InvalidArgument");
  }
}
