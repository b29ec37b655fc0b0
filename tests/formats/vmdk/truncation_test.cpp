// Files cut short and bits turned over: the same bytes or a named error, never silent zeros.
#include <doctest/doctest.h>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "io/memory_file.hpp"
#include "support/vmdk/builders.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

struct Sample {
  std::string name;
  std::string image;
};

std::string block(std::uint64_t seed, std::size_t size = 4096) {
  return std::string(text_of(pattern(size, seed)));
}

std::vector<Sample> samples() {
  HostedSparse sparse{.capacity = 8 * 40, .grain_size = 8, .table_entries = 128};
  sparse.descriptor = vmdk_descriptor("monolithicSparse", "RW 320 SPARSE \"x.vmdk\"");
  for (const std::uint64_t grain : {0, 1, 7, 20, 39}) sparse.grains[grain] = block(grain);
  HostedSparse redundant = sparse;
  redundant.flags = 3;
  redundant.redundant = true;
  HostedSparse stream = sparse;
  stream.stream();
  HostedSparse footed = stream;
  footed.footer = true;
  Cowd cowd{.capacity = 5120, .grain_size = 8};
  for (const std::uint64_t grain : {0, 1, 7, 20, 639}) cowd.grains[grain] = block(grain, 4096);
  SeSparse se_sparse{.capacity = 65536};
  for (const std::uint64_t grain : {0, 1, 5000, 8191}) se_sparse.grains[grain] = block(grain, 4096);
  return {{"sparse", sparse.build().image}, {"redundant", redundant.build().image},
          {"stream", stream.build().image}, {"stream with footer", footed.build().image},
          {"cowd", cowd.build().image},     {"seSparse", se_sparse.build().image}};
}

Result<std::vector<std::byte>> read_image(std::string_view image) {
  auto disk =
      open_disk(std::make_shared<MemoryFile>("x.vmdk", as_bytes(image)), {.format = "vmdk"});
  if (!disk) return std::unexpected(disk.error());
  if (auto map = (*disk)->map(); !map) return std::unexpected(map.error());
  return try_bytes(**disk);
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("a file cut at any place is Truncated, or has all its bytes") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const auto whole = must(read_image(sample.image));
    for (std::size_t cut = 0; cut < sample.image.size(); cut += 512) {
      CAPTURE(cut);
      const auto result = read_image(std::string_view(sample.image).substr(0, cut));
      if (result) {
        CHECK(*result == whole);
      } else {
        const std::string code = outcome(result);
        CHECK((code == "Truncated" || code == "BadMagic"));
      }
    }
  }
}

TEST_CASE("a part of a split disk cut at any place is Truncated, or has all its bytes") {
  TemporaryFolder folder;
  HostedSparse part{.capacity = 8 * 40, .grain_size = 8, .table_entries = 128};
  for (const std::uint64_t grain : {0, 7, 39}) part.grains[grain] = block(grain);
  const std::string image = part.build().image;
  folder.write("d-s001.vmdk", image);
  folder.write("d.vmdk", vmdk_descriptor("twoGbMaxExtentSparse",
                                         "RW 320 SPARSE \"d-s001.vmdk\"\n"
                                         "RW 320 SPARSE \"d-s002.vmdk\""));
  folder.write("d-s002.vmdk", image);
  const auto whole = bytes_of(*must(open_disk(folder / "d.vmdk")));
  for (std::size_t cut = 0; cut < image.size(); cut += 512) {
    CAPTURE(cut);
    folder.write("d-s002.vmdk", image.substr(0, cut));
    const auto disk = open_disk(folder / "d.vmdk");
    const auto bytes = disk ? try_bytes(**disk) : std::unexpected(disk.error());
    if (bytes) {
      CHECK(*bytes == whole);
    } else {
      const std::string code = outcome(bytes);
      // Without its first bytes it is no extent of that kind any more.
      CHECK((code == "Truncated" || (cut == 0 && code == "BadHeader")));
    }
  }
}

TEST_CASE("a stream without its end gives what it has to a caller who asks for it") {
  HostedSparse stream{.capacity = 128 * 2000, .footer = true};
  stream.stream();
  stream.descriptor = vmdk_descriptor("streamOptimized", "RW 256000 SPARSE \"x.vmdk\"");
  for (const std::uint64_t grain : {0, 1, 700, 1500, 1999})
    stream.grains[grain] = block(grain, 65536);
  const auto built = stream.build();
  for (const std::uint64_t first_lost : {1, 1500, 1999}) {
    CAPTURE(first_lost);
    const std::string cut = built.image.substr(0, built.grain_places.at(first_lost) + 1000);
    const auto file = std::make_shared<MemoryFile>("x.vmdk", as_bytes(cut));
    CHECK(outcome(open_disk(file, {.format = "vmdk"})) == "Truncated");
    const auto disk = must(open_disk(file, {.format = "vmdk", .allow_corrupt = true}));
    CHECK(must(disk->info()).warnings.size() == 1);
    for (const auto& [grain, bytes] : stream.grains) {
      std::vector<std::byte> read(65536);
      must(disk->read(grain * 65536, read));
      CHECK(text_of(read) == (grain < first_lost ? bytes : std::string(65536, '\0')));
    }
  }
}

TEST_CASE("any bit of the metadata turned over is an error or another disk, never a crash") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    // Header, descriptor and the first tables, one bit at a time; beyond, a bit here and there.
    for (std::size_t bit = 0; bit < sample.image.size() * 8; bit += bit < 512 * 8 ? 1 : 409) {
      std::string image = sample.image;
      image[bit / 8] = static_cast<char>(image[bit / 8] ^ (1 << (bit % 8)));
      auto disk =
          open_disk(std::make_shared<MemoryFile>("x.vmdk", as_bytes(image)), {.format = "vmdk"});
      if (!disk) continue;
      const auto map = (*disk)->map();
      if (!map) continue;
      for (const DiskExtent& run : *map) {
        if (!run.data) continue;  // a damaged capacity makes gigabytes of nothing
        std::vector<std::byte> bytes(std::min<std::uint64_t>(run.length, 1 << 20));
        (void)(*disk)->read(run.offset, bytes);
      }
    }
  }
}

TEST_SUITE_END();
