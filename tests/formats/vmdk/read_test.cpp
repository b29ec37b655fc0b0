// Reading what VMware and QEMU wrote. QEMU makes the images here; what QEMU cannot make is in
// the other files of this folder.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "codec/deflate.hpp"
#include "codec/digest.hpp"
#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/skip.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string sha1(std::span<const std::byte> bytes) {
  Digest digest(DigestAlgorithm::sha1);
  digest.update(bytes);
  return must(digest.finish());
}

std::filesystem::path shared_data() {
  if (const char* named = std::getenv("VMLIFT_SHARED_DATA")) return named;
  return std::filesystem::path(__FILE__).parent_path() / "../../../../shared/data";
}

/// Puts a disk together from its map: plain runs from their files, the rest from the disk; and
/// inflates every encoded unit.
std::vector<std::byte> bytes_by_map(const Disk& disk) {
  std::vector<std::byte> bytes(disk.size());
  for (const DiskExtent& run : must(disk.map())) {
    const auto part = std::span(bytes).subspan(run.offset, run.length);
    if (run.zero || !run.data) continue;
    if (run.host_offset) {
      must(run.host_file->read(*run.host_offset, part));
    } else {
      must(disk.read(run.offset, part));
    }
  }
  if (!disk.capabilities().encoded_read || disk.size() == 0) return bytes;
  Inflater inflater;
  must(disk.read_encoded({0, disk.size()}, [&](const EncodedUnit& unit) -> Result<void> {
    const auto part = std::span(bytes).subspan(unit.guest.offset, unit.guest.length);
    std::ranges::fill(part, std::byte{0xee});
    must(inflater.inflate(unit.payload, part));
    CHECK(adler32(part) == unit.adler32);
    return {};
  }));
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("disks that VMware made have the bytes that VMware put there") {
  const auto folder = shared_data() / "vmware";
  if (!std::filesystem::exists(folder)) return skip("no sample disks (VMLIFT_SHARED_DATA)");
  for (const std::string name : {"monolithicSparse.vmdk", "streamOptimized.vmdk"}) {
    CAPTURE(name);
    const auto disk = must(open_disk((folder / name).string()));
    CHECK(disk->format().name == "vmdk");
    CHECK(sha1(bytes_of(*disk)) == "dd2fade471d68658b2ebbff7474f5d0a99da8989");
    CHECK(sha1(bytes_of(*disk, 3333)) == "dd2fade471d68658b2ebbff7474f5d0a99da8989");
    CHECK(sha1(bytes_by_map(*disk)) == "dd2fade471d68658b2ebbff7474f5d0a99da8989");
    CHECK(must(disk->check()).corrupt_units == 0);
    CHECK(must(disk->info()).subformat == std::filesystem::path(name).stem());
  }
}

TEST_CASE("disks that QEMU made read as QEMU's source, by reads of any size and by the map") {
  if (!have_command("qemu-img")) return skip("qemu-img is absent");
  const std::uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const std::string subformat : {"monolithicSparse", "monolithicFlat", "streamOptimized",
                                      "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"}) {
    for (const std::string zeroed : {"off", "on"}) {
      for (const std::size_t size : {std::size_t{512}, std::size_t{65536 * 37 + 512 * 5},
                                     std::size_t{(1 + random() % 20000) * 512}}) {
        CAPTURE(subformat);
        CAPTURE(zeroed);
        CAPTURE(size);
        TemporaryFolder folder;
        const auto bytes = guest_disk(size, random());
        const std::string flat = subformat.ends_with("Flat") ? "" : ",zeroed_grain=" + zeroed;
        const auto disk =
            must(open_disk(qemu_made(folder, "subformat=" + subformat + flat, bytes)));
        REQUIRE(disk->size() == size);
        CHECK(must(disk->info()).subformat == subformat);
        CHECK(bytes_of(*disk) == bytes);
        CHECK(bytes_of(*disk, 1 + random() % 100000) == bytes);
        CHECK(bytes_by_map(*disk) == bytes);
        for (int i = 0; i < 20; ++i) {
          const std::size_t at = random() % size;
          const std::size_t length = 1 + random() % std::min<std::size_t>(size - at, 300000);
          std::vector<std::byte> part(length);
          must(disk->read(at, part));
          CHECK(std::ranges::equal(part, std::span(bytes).subspan(at, length)));
        }
        CHECK(must(disk->check()).corrupt_units == 0);
      }
    }
  }
}

TEST_SUITE_END();
