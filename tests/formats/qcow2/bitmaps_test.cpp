// Persistent bitmaps: read, recorded, made and taken over. QEMU makes some, and reads ours.
#include <doctest/doctest.h>

#include <random>

#include "qemu_image.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kMega = 1 << 20;

using Options = std::map<std::string, std::string>;

ExtentSet draw_marks(std::uint64_t size, std::mt19937_64& random) {
  ExtentSet marked;
  for (std::uint64_t n = random() % 20; n > 0 && size > 0; --n) {
    const std::uint64_t offset = random() % size;
    marked.add({offset, 1 + random() % std::min<std::uint64_t>(size - offset, size / 3 + 1)});
  }
  return marked;
}

/// What a bitmap of that granularity makes of `marked`.
ExtentSet rounded(const ExtentSet& marked, std::uint64_t granularity, std::uint64_t size) {
  ExtentSet result;
  for (const Extent& extent : marked) {
    const std::uint64_t begin = extent.offset / granularity * granularity;
    const std::uint64_t end = (extent.end() + granularity - 1) / granularity * granularity;
    result.add({begin, std::min(end, size) - begin});
  }
  return result;
}

std::vector<Extent> list(const ExtentSet& set) { return {set.begin(), set.end()}; }

/// An empty disk with these bitmaps.
std::string disk_with(const TemporaryFolder& folder, std::uint64_t size, const Options& options,
                      const std::vector<std::pair<BitmapInfo, ExtentSet>>& bitmaps) {
  const auto disk = must(
      create_disk(folder / "d", "qcow2", {.size = size, .options = options, .overwrite = true}));
  for (const auto& [info, marked] : bitmaps) must(disk->add_bitmap(info, list(marked)));
  must(disk->commit());
  return folder / "d";
}

}  // namespace

TEST_SUITE("qcow2 bitmaps") {
  TEST_CASE("bitmaps of any granularity on disks of any size are what QEMU reads and writes back") {
    const bool qemu = have_command("qemu-img");
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 40; ++round) {
      TemporaryFolder folder;
      const std::uint64_t size = (1 + random() % 300000) * 512;
      const std::string cluster = std::to_string(512u << random() % 13);
      CAPTURE(round);
      CAPTURE(size);
      CAPTURE(cluster);
      std::vector<std::pair<BitmapInfo, ExtentSet>> bitmaps;
      for (const char* name : {"first", "second bitmap", "naïve"}) {
        bitmaps.push_back({{.name = name,
                            .granularity = std::uint64_t{512} << random() % 23,
                            .enabled = random() % 2 == 0},
                           draw_marks(size, random)});
      }
      bitmaps.push_back({{.name = "all", .granularity = 512, .enabled = false}, {{0, size}}});
      const auto check_all = [&](const std::string& path) {
        const auto disk = must(open_disk(path));
        const auto found = must(disk->info()).bitmaps;
        REQUIRE(found.size() == bitmaps.size());
        for (std::size_t n = 0; n < found.size(); ++n) {
          const auto& [info, marked] = bitmaps[n];
          CHECK(found[n].name == info.name);
          CHECK(found[n].granularity == info.granularity);
          CHECK(found[n].enabled == info.enabled);
          CHECK(found[n].consistent);
          CHECK(must(disk->bitmap(info.name)) == rounded(marked, info.granularity, size));
        }
        const CheckReport report = must(disk->check());
        CHECK(report.leaked_units + report.corrupt_units == 0);
      };
      const std::string path = disk_with(folder, size, {{"cluster_size", cluster}}, bitmaps);
      check_all(path);
      if (!qemu) continue;
      must_run({"qemu-img", "check", "-q", path});
      must_run({"qemu-img", "convert", "--bitmaps", "-O", "qcow2", path, folder / "by-qemu"});
      check_all(folder / "by-qemu");
    }
    if (!qemu) skip("qemu-img is absent: only vmlift has read the results");
  }

  TEST_CASE("a copy takes bitmaps over when it is asked to") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    const std::string path = folder / "d";
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", path, "100M"});
    must_run({"qemu-img", "bitmap", "--add", "-g", "32k", path, "fine"});
    must_run({"qemu-io", "-c", "write 1M 100k", "-c", "write 99M 1M", path});
    must_run({"qemu-img", "bitmap", "--add", "--disable", path, "stopped"});
    ConvertRequest request{.source = path, .target = folder / "copy", .target_format = "qcow2"};
    request.copy.bitmaps = true;
    request.copy.verify = true;
    must(convert(request));
    auto copy = must(open_disk(folder / "copy"));
    const auto bitmaps = must(copy->info()).bitmaps;
    REQUIRE(bitmaps.size() == 2);
    CHECK(bitmaps[0].enabled);
    CHECK_FALSE(bitmaps[1].enabled);
    CHECK(must(copy->bitmap("fine")) == ExtentSet{{kMega, 128 << 10}, {99 * kMega, kMega}});
    must_run({"qemu-img", "check", "-q", folder / "copy"});
    // QEMU goes on recording.
    copy.reset();
    must_run({"qemu-io", "-c", "write 50M 1", folder / "copy"});
    CHECK(must(must(open_disk(folder / "copy"))->bitmap("fine")).contains({50 * kMega, 32 << 10}));

    request.target = folder / "plain";
    request.copy.bitmaps = false;
    must(convert(request));
    CHECK(must(must(open_disk(folder / "plain"))->info()).bitmaps.empty());
    request.copy.bitmaps = true;
    request.target = folder / "raw";
    request.target_format = "raw";
    CHECK(outcome(convert(request)) == "UnsupportedFeature");
    CHECK_FALSE(std::filesystem::exists(folder / "raw"));
  }

  TEST_CASE("what no bitmap can be is refused") {
    TemporaryFolder folder;
    const auto adding = [&](const BitmapInfo& info, const std::vector<Extent>& marked = {},
                            const Options& options = {}, std::uint64_t size = kMega) {
      const auto disk =
          must(create_disk(folder / "d", "qcow2", {.size = size, .options = options}));
      must(disk->add_bitmap({.name = "there", .granularity = 65536}, {}));
      return outcome(disk->add_bitmap(info, marked));
    };
    CHECK(adding({.name = "a", .granularity = 65536}, {{0, kMega}}) == "ok");
    CHECK(adding({.name = "there", .granularity = 65536}) == "InvalidArgument");
    CHECK(adding({.name = "", .granularity = 65536}) == "InvalidArgument");
    CHECK(adding({.name = std::string(1024, 'n'), .granularity = 65536}) == "InvalidArgument");
    for (const std::uint64_t granularity : {0ULL, 256ULL, 1000ULL, 1ULL << 32}) {
      CHECK(adding({.name = "a", .granularity = granularity}) == "InvalidArgument");
    }
    CHECK(adding({.name = "a", .granularity = 512}, {}, {}, std::uint64_t{4} << 40) ==
          "InvalidArgument");
    CHECK(adding({.name = "a", .granularity = 65536}, {{kMega, 1}}) == "OutOfRange");
    CHECK(adding({.name = "a", .granularity = 65536}, {{1, ~std::uint64_t{0}}}) == "OutOfRange");
    const auto old =
        must(create_disk(folder / "d", "qcow2", {.size = kMega, .options = {{"compat", "0.10"}}}));
    CHECK(outcome(old->add_bitmap({.name = "a", .granularity = 65536}, {})) ==
          "UnsupportedFeature");
  }
}
