// Delta chains: which file is the parent, and whether it is the right one.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/skip.hpp"
#include "support/vmdk/builders.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kSectors = 2048;

/// A folder with base.vmdk, CID aaaaaaaa.
struct Chain {
  TemporaryFolder folder;
  std::string base = std::string(text_of(pattern(kSectors * 512, 1)));

  Chain() {
    folder.write("base-flat.vmdk", base);
    folder.write("base.vmdk", vmdk_descriptor("monolithicFlat", "RW 2048 FLAT \"base-flat.vmdk\" 0",
                                              "ffffffff", "", "aaaaaaaa"));
  }

  /// A sparse delta with one grain.
  std::string delta(const std::string& name, std::string_view parent_cid, std::string_view hint,
                    std::string_view cid = "bbbbbbbb", std::uint64_t capacity = kSectors) {
    HostedSparse sparse{.capacity = capacity};
    sparse.grains[2] = std::string(65536, 'd');
    sparse.descriptor =
        vmdk_descriptor("monolithicSparse", "RW 2048 SPARSE \"x\"", parent_cid, hint, cid);
    return folder.write(name, sparse.build().image);
  }
  std::string expected() const { return std::string(base).replace(131072, 65536, 65536, 'd'); }
};

std::string read_whole(const std::string& path) {
  return std::string(text_of(bytes_of(*must(open_disk(path)))));
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("a delta shows its parent where it has no grain") {
  Chain chain;
  const std::string path = chain.delta("delta.vmdk", "aaaaaaaa", "base.vmdk");
  CHECK(read_whole(path) == chain.expected());
  const auto disk = must(open_disk(path));
  CHECK(must(disk->info()).backing_file == "base.vmdk");
  const auto map = must(disk->map());
  REQUIRE(map.size() == 3);
  CHECK(map[0].depth == 1);
  CHECK(map[1].depth == 0);
  CHECK(map[2].depth == 1);
  if (have_command("qemu-img")) CHECK(qemu_reads(chain.folder, path) == chain.expected());
}

TEST_CASE("a path of another host means the file of that name beside the delta") {
  for (const std::string hint : {"/vmfs/volumes/4f1e/vm/base.vmdk", "C:\\vm\\base.vmdk",
                                 "..\\vm\\base.vmdk", "sub/base.vmdk"}) {
    CAPTURE(hint);
    Chain chain;
    CHECK(read_whole(chain.delta("delta.vmdk", "aaaaaaaa", hint)) == chain.expected());
  }
}

TEST_CASE("a missing parent and a changed parent name both CIDs") {
  Chain chain;
  const auto missing = open_disk(chain.delta("delta.vmdk", "aaaaaaaa", "gone.vmdk"));
  CHECK(outcome(missing) == "MissingExtent");
  CHECK(missing.error().message().find("aaaaaaaa") != std::string::npos);
  CHECK(missing.error().message().find("bbbbbbbb") != std::string::npos);

  const std::string path = chain.delta("delta.vmdk", "cccccccc", "base.vmdk");
  const auto changed = open_disk(path);
  CHECK(outcome(changed) == "Corrupt");
  CHECK(changed.error().message().find("cccccccc") != std::string::npos);
  CHECK(changed.error().message().find("aaaaaaaa") != std::string::npos);
  CHECK(outcome(open_disk(path, {.allow_corrupt = true})) == "ok");
}

TEST_CASE("a delta that grew has zeros behind its parent's end") {
  Chain chain;
  const std::string path =
      chain.delta("delta.vmdk", "aaaaaaaa", "base.vmdk", "bbbbbbbb", kSectors * 2);
  CHECK(read_whole(path) == chain.expected() + std::string(kSectors * 512, '\0'));
}

TEST_CASE("qemu-img's own delta over a split base") {
  if (!have_command("qemu-img")) return skip("qemu-img is absent");
  TemporaryFolder folder;
  const auto bytes = guest_disk(5 << 20, 3);
  folder.write("base.raw", text_of(bytes));
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"qemu-img", "convert", "-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse",
            folder / "base.raw", folder / "base.vmdk"},
           {"qemu-img", "create", "-f", "vmdk", "-F", "vmdk", "-b", "base.vmdk",
            folder / "delta.vmdk"},
           {"qemu-io", "-c", "write -P 0x5a 1000000 300000", folder / "delta.vmdk"}}) {
    const auto ran = run_command(command);
    REQUIRE_MESSAGE(ran.status == 0, ran.output);
  }
  CHECK(read_whole(folder / "delta.vmdk") == qemu_reads(folder, folder / "delta.vmdk"));
}

TEST_SUITE_END();
