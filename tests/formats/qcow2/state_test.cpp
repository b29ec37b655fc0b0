// What an image holds beside its current state: snapshots, bitmaps, and whether its structure is
// sound. qemu-img is the judge.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "base/bytes.hpp"
#include "formats/disk_bytes.hpp"
#include "qemu_image.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// A number of qemu-img's JSON, 0 when it is left out.
std::uint64_t json_number(const std::string& json, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::stoull(json.substr(at + key.size() + 3));
}

void overwrite(const std::string& path, std::uint64_t offset, std::span<const std::byte> bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

/// What both say about the image's structure.
void check_agrees(const std::string& path) {
  const std::string json = run_command({"qemu-img", "check", "--output=json", path}).output;
  const CheckReport ours = must(must(open_disk(path))->check());
  INFO(json);
  for (const std::string& finding : ours.findings) INFO(finding);
  CHECK(ours.leaked_units == json_number(json, "leaks"));
  CHECK(ours.corrupt_units == json_number(json, "corruptions"));
  CHECK(ours.total_units == json_number(json, "total-clusters"));
  CHECK(ours.allocated_units == json_number(json, "allocated-clusters"));
  CHECK(ours.compressed_units == json_number(json, "compressed-clusters"));
}

}  // namespace

TEST_SUITE("qcow2 state") {
  TEST_CASE("internal snapshots are listed and read") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    for (const char* options : {"compat=1.1", "compat=0.10", "compat=1.1,extended_l2=on"}) {
      CAPTURE(options);
      TemporaryFolder folder;
      const std::string path = folder / "d";
      must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "3M"});
      must_run({"qemu-io", "-c", "write -P 1 0 1M", path});
      must_run({"qemu-img", "snapshot", "-c", "before update", path});
      must_run({"qemu-io", "-c", "write -P 2 512k 1M", "-c", "write -c -P 3 2M 64k", path});
      must_run({"qemu-img", "snapshot", "-c", "second", path});
      must_run({"qemu-io", "-c", "write -z 0 1M", path});

      const auto info = must(must(open_disk(path))->info());
      REQUIRE(info.snapshots.size() == 2);
      CHECK(info.snapshots[0].id == "1");
      CHECK(info.snapshots[0].name == "before update");
      CHECK(info.snapshots[0].virtual_size == 3 << 20);
      CHECK(info.snapshots[0].created > 1600000000);
      for (const char* name : {"before update", "second"}) {
        must_run({"qemu-img", "convert", "-l", std::string("snapshot.name=") + name, "-O", "raw",
                  path, folder / "raw"});
        OpenOptions opening;
        opening.snapshot = name;
        CHECK(bytes_of(*must(open_disk(path, opening))) == file_bytes(folder / "raw"));
      }
      OpenOptions by_id;
      by_id.snapshot = "2";
      CHECK(outcome(open_disk(path, by_id)) == "ok");
      by_id.snapshot = "3";
      CHECK(outcome(open_disk(path, by_id)) == "NotFound");
      check_agrees(path);
    }
  }

  TEST_CASE("persistent bitmaps are listed and read as sets of bytes") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    const std::string path = folder / "d";
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", path, "100M"});
    must_run({"qemu-img", "bitmap", "--add", "-g", "32k", path, "fine"});
    must_run({"qemu-img", "bitmap", "--add", path, "coarse"});
    must_run({"qemu-io", "-c", "write 1M 100k", "-c", "write 50M 1", "-c", "write 99M 1M", path});
    must_run({"qemu-img", "bitmap", "--disable", path, "coarse"});
    must_run({"qemu-io", "-c", "write 20M 64k", path});

    const auto disk = must(open_disk(path));
    const auto info = must(disk->info());
    REQUIRE(info.bitmaps.size() == 2);
    CHECK(info.bitmaps[0].name == "fine");
    CHECK(info.bitmaps[0].granularity == 32768);
    CHECK(info.bitmaps[0].enabled);
    CHECK(info.bitmaps[0].consistent);
    CHECK_FALSE(info.bitmaps[1].enabled);
    constexpr std::uint64_t kMega = 1 << 20;
    CHECK(must(disk->bitmap("fine")) == ExtentSet{{kMega, 128 << 10},
                                                  {20 * kMega, 64 << 10},
                                                  {50 * kMega, 32 << 10},
                                                  {99 * kMega, kMega}});
    CHECK(must(disk->bitmap("coarse")) ==
          ExtentSet{{kMega, 128 << 10}, {50 * kMega, 64 << 10}, {99 * kMega, kMega}});
    CHECK(outcome(disk->bitmap("none")) == "NotFound");
    check_agrees(path);
  }

  TEST_CASE("a data file of its own is read when the policy allows it") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    for (const char* raw : {"on", "off"}) {
      TemporaryFolder folder;
      const std::string path = folder / "d";
      must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o",
                "data_file=" + (folder / "data") + ",data_file_raw=" + raw, path, "3M"});
      must_run({"qemu-io", "-c", "write -P 1 0 1M", "-c", "write -P 5 2M 100k", path});
      // The name is absolute: only under=DIR or any reach it.
      OpenOptions any;
      any.policy.references = OpenPolicy::References::any;
      must_run({"qemu-img", "convert", "-O", "raw", path, folder / "raw"});
      CHECK(bytes_of(*must(open_disk(path, any))) == file_bytes(folder / "raw"));
      const auto denied = must(open_disk(path));
      CHECK(must(denied->info()).data_file == folder / "data");
      std::vector<std::byte> sector(512);
      CHECK(outcome(denied->read(0, sector)) == "ReferenceDenied");
      CHECK(outcome(denied->map()) == "ReferenceDenied");
      check_agrees(path);
    }
  }

  TEST_CASE("check finds what qemu-img check finds") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    const unsigned cases = case_count(40);
    for (unsigned seed = 1; seed <= cases; ++seed) {
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      TemporaryFolder folder;
      const RandomImage image = make_random_image(folder, "d", "", random);
      CAPTURE(image.options);
      CAPTURE(image.steps);
      if (random() % 3 == 0) run_command({"qemu-img", "snapshot", "-c", "s", image.path});
      run_command({"qemu-io", "-c", "write 0 512", image.path});
      check_agrees(image.path);
      // One refcount of a few is changed.
      const auto bytes = file_bytes(image.path);
      const auto table = load_be<std::uint64_t>(bytes, 48);
      const auto block = load_be<std::uint64_t>(bytes, table);
      for (int n = 0; n < 3; ++n) {
        std::array changed = {static_cast<std::byte>(random() % 4)};
        overwrite(image.path, block + random() % 64, changed);
      }
      check_agrees(image.path);
    }
  }
}
