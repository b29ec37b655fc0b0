// The kinds of extents that QEMU cannot create, and whose reading it may get wrong.
#include <doctest/doctest.h>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/skip.hpp"
#include "support/vmdk/builders.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string block(std::size_t size, std::uint64_t seed) {
  return std::string(text_of(pattern(size, seed)));
}

std::string zeros(std::size_t size) { return std::string(size, '\0'); }

std::string read_whole(const std::string& path) {
  return std::string(text_of(bytes_of(*must(open_disk(path)))));
}

/// `base` with the grains put over it.
std::string overlaid(std::string base, std::size_t grain_bytes,
                     const std::map<std::uint64_t, std::string>& grains) {
  for (const auto& [grain, bytes] : grains) {
    const std::size_t at = grain * grain_bytes;
    base.replace(at, std::min(bytes.size(), base.size() - at), bytes.substr(0, base.size() - at));
  }
  return base;
}

std::vector<std::string> warnings_of(const std::string& path) {
  return must(must(open_disk(path))->info()).warnings;
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("COWD extents with grains of one sector and of many") {
  for (const std::uint32_t grain_size : {1U, 8U, 128U}) {
    CAPTURE(grain_size);
    TemporaryFolder folder;
    Cowd delta{.capacity = 20000, .grain_size = grain_size};
    const std::size_t grain_bytes = grain_size * 512;
    for (const std::uint64_t grain : {0ULL, 1ULL, 7ULL, 5000ULL / grain_size, 156ULL}) {
      delta.grains[grain] = block(grain_bytes, grain + 1);
    }
    folder.write("d-delta.vmdk", delta.build().image);
    folder.write("d.vmdk", vmdk_descriptor("vmfsSparse", "RW 20000 VMFSSPARSE \"d-delta.vmdk\""));
    const std::string expected = overlaid(zeros(20000 * 512), grain_bytes, delta.grains);
    CHECK(read_whole(folder / "d.vmdk") == expected);
    CHECK(read_whole(folder / "d-delta.vmdk") == expected);
    if (have_command("qemu-img")) CHECK(qemu_reads(folder, folder / "d.vmdk") == expected);
  }
}

TEST_CASE("seSparse: tables out of order, zeroed and unmapped grains do not show the parent") {
  TemporaryFolder folder;
  SeSparse delta{.capacity = 65536};
  for (const std::uint64_t grain : {0ULL, 3ULL, 4095ULL, 4096ULL, 8000ULL}) {
    delta.grains[grain] = block(4096, grain + 1);
  }
  delta.marks = {{10, SeSparse::kUnmapped}, {11, SeSparse::kZero}, {5000, SeSparse::kUnmapped}};
  const std::string base = block(65536 * 512, 99);
  folder.write("base-flat.vmdk", base);
  folder.write("base.vmdk", vmdk_descriptor("vmfs", "RW 65536 VMFS \"base-flat.vmdk\"", "ffffffff",
                                            "", "0badcafe"));
  folder.write("d-sesparse.vmdk", delta.build().image);
  folder.write("d.vmdk", vmdk_descriptor("seSparse", "RW 65536 SESPARSE \"d-sesparse.vmdk\"",
                                         "0badcafe", "base.vmdk"));
  auto grains = delta.grains;
  for (const auto& [grain, mark] : delta.marks) grains[grain] = zeros(4096);
  const std::string expected = overlaid(base, 4096, grains);
  CHECK(read_whole(folder / "d.vmdk") == expected);
  if (have_command("qemu-img")) CHECK(qemu_reads(folder, folder / "d.vmdk") == expected);

  const auto disk = must(open_disk(folder / "d.vmdk"));
  CHECK(must(disk->extent(0, 4096)).depth == 0);
  CHECK(must(disk->extent(4096, 4096)).depth == 1);
  const DiskExtent unmapped = must(disk->extent(10 * 4096, 8192));
  CHECK(unmapped.zero);
  CHECK(unmapped.present);
  CHECK(unmapped.length == 8192);

  delta.dirty_journal = true;
  folder.write("d-sesparse.vmdk", delta.build().image);
  CHECK(outcome(open_disk(folder / "d.vmdk")) == "UnsupportedFeature");
}

TEST_CASE("mixed extents keep their places: FLAT, ZERO, SPARSE, RDONLY, NOACCESS, VMFS") {
  TemporaryFolder folder;
  const std::string a = block(2048 * 512, 1);
  const std::string b = block(4096 * 512, 2);
  HostedSparse sparse{.capacity = 2048};
  sparse.grains[3] = block(65536, 3);
  folder.write("a.vmdk", a);
  folder.write("b with \"quotes\" and spaces.vmdk", b);
  folder.write("s.vmdk", sparse.build().image);
  folder.write("disk.vmdk", vmdk_descriptor("custom",
                                            "RW 2048 FLAT \"a.vmdk\" 0\n"
                                            "RW 1000 ZERO\n"
                                            "RDONLY 2048 SPARSE \"s.vmdk\"\n"
                                            "NOACCESS 100 FLAT \"not here\" 0\n"
                                            "rdonly 1024 flat "
                                            "\"b with \"quotes\" and spaces.vmdk\" 2048\n"
                                            "RW 2048 VMFS \"a.vmdk\""));
  const std::string expected = a + zeros(1000 * 512) +
                               overlaid(zeros(2048 * 512), 65536, sparse.grains) +
                               zeros(100 * 512) + b.substr(2048 * 512, 1024 * 512) + a;
  CHECK(read_whole(folder / "disk.vmdk") == expected);
  const auto warnings = warnings_of(folder / "disk.vmdk");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("no access") != std::string::npos);
  CHECK(must(must(open_disk(folder / "disk.vmdk"))->map()).size() > 4);
}

TEST_CASE("30000 ZERO extents open") {
  TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 30000; ++i) lines += "RW 2048 ZERO\n";
  folder.write("z.vmdk", vmdk_descriptor("custom", lines));
  const auto disk = must(open_disk(folder / "z.vmdk"));
  CHECK(disk->size() == 30000ULL * 2048 * 512);
  CHECK(must(disk->map()).size() == 1);
}

TEST_CASE("the kinds of vmfs are flat, and createType does not decide how an extent is read") {
  for (const std::string type : {"vmfs", "vmfsThin", "vmfsPreallocated", "vmfsEagerZeroedThick",
                                 "monolithicSparse", "2GbMaxExtentFlat"}) {
    CAPTURE(type);
    TemporaryFolder folder;
    const std::string bytes = block(100 * 512, 5);
    folder.write("x-flat.vmdk", bytes);
    folder.write("x.vmdk", vmdk_descriptor(type, "RW 100 VMFS \"x-flat.vmdk\""));
    CHECK(read_whole(folder / "x.vmdk") == bytes);
  }
}

TEST_CASE("raw device mappings and physical devices are refused, and say so") {
  TemporaryFolder folder;
  folder.write("x-rdm.vmdk", zeros(512));
  for (const auto& [type, line] :
       {std::pair{"vmfsRawDeviceMap", "RW 1 VMFSRDM \"x-rdm.vmdk\""},
        std::pair{"vmfsRDMP", "RW 1 VMFSRDM \"x-rdm.vmdk\""},
        std::pair{"vmfsRaw", "RW 1 VMFSRAW \"/vmfs/devices/disks/x\""},
        std::pair{"fullDevice", "RW 1 FLAT \"/dev/sda\" 0"},
        std::pair{"partitionedDevice", "RW 1 FLAT \"\\\\.\\PhysicalDrive0\" 0"},
        std::pair{"vsanSparse", "RW 1 VSANSPARSE \"x-rdm.vmdk\""}}) {
    CAPTURE(line);
    folder.write("x.vmdk", vmdk_descriptor(type, line));
    CHECK(outcome(open_disk(folder / "x.vmdk")) == "UnsupportedFeature");
  }
  folder.write("x.vmdk", vmdk_descriptor("vmfsRDM", "RW 1 VMFSRDM \"x-rdm.vmdk\""));
  OpenOptions asked;
  asked.policy.allow_devices = true;
  CHECK(bytes_of(*must(open_disk(folder / "x.vmdk", asked))) == std::vector<std::byte>(512));
}

TEST_CASE("sparse headers of versions 1 to 3, grains of many sizes, tables of many lengths") {
  for (const std::uint32_t version : {1U, 2U, 3U}) {
    for (const std::uint64_t grain_size : {8ULL, 128ULL, 2048ULL}) {
      for (const std::uint32_t entries : {128U, 512U, 4096U}) {
        CAPTURE(version);
        CAPTURE(grain_size);
        CAPTURE(entries);
        TemporaryFolder folder;
        HostedSparse sparse{.version = version,
                            .capacity = 9001,
                            .grain_size = grain_size,
                            .table_entries = entries};
        const std::size_t grain_bytes = grain_size * 512;
        for (const std::uint64_t grain : {0ULL, 1ULL, 3ULL, 9000ULL / grain_size}) {
          sparse.grains[grain] = block(grain_bytes, grain + 1);
        }
        sparse.descriptor = vmdk_descriptor("monolithicSparse", "RW 9001 SPARSE \"x.vmdk\"");
        folder.write("x.vmdk", sparse.build().image);
        CHECK(read_whole(folder / "x.vmdk") ==
              overlaid(zeros(9001 * 512), grain_bytes, sparse.grains));
      }
    }
  }
}

TEST_CASE("a zeroed grain hides the parent where the header allows it, and is an error elsewhere") {
  TemporaryFolder folder;
  folder.write("base-flat.vmdk", block(2048 * 512, 7));
  folder.write("base.vmdk", vmdk_descriptor("monolithicFlat", "RW 2048 FLAT \"base-flat.vmdk\" 0",
                                            "ffffffff", "", "00000001"));
  HostedSparse sparse{.version = 2, .flags = 5, .capacity = 2048};
  sparse.entries[1] = 1;
  sparse.descriptor =
      vmdk_descriptor("monolithicSparse", "RW 2048 SPARSE \"x.vmdk\"", "00000001", "base.vmdk");
  folder.write("x.vmdk", sparse.build().image);
  CHECK(read_whole(folder / "x.vmdk") ==
        overlaid(block(2048 * 512, 7), 65536, {{1, zeros(65536)}}));
  sparse.flags = 1;
  folder.write("x.vmdk", sparse.build().image);
  const auto disk = must(open_disk(folder / "x.vmdk"));
  std::vector<std::byte> one(1);
  CHECK(outcome(disk->read(65536, one)) == "Corrupt");
  CHECK(outcome(disk->read(0, one)) == "ok");
}

TEST_CASE("streams with the directory in the header or in a footer, padded or not") {
  for (const bool footer : {false, true}) {
    for (const std::size_t padding : {0, 100, 512, 10240}) {
      CAPTURE(footer);
      CAPTURE(padding);
      TemporaryFolder folder;
      HostedSparse stream{
          .capacity = 128 * 1300 + 5, .footer = footer, .padding = std::string(padding, '\0')};
      stream.stream();
      for (const std::uint64_t grain : {0ULL, 1ULL, 600ULL, 1299ULL}) {
        stream.grains[grain] = block(65536, grain + 1);
      }
      // The last grain: cut at the disk's end here, padded in what VMware writes.
      stream.grains[1300] = block(5 * 512, 3);
      stream.descriptor =
          vmdk_descriptor("streamOptimized", "RDONLY 166405 SPARSE \"long-gone.vmdk\"");
      folder.write("s.vmdk", stream.build().image);
      const std::string expected = overlaid(zeros((128 * 1300 + 5) * 512), 65536, stream.grains);
      CHECK(read_whole(folder / "s.vmdk") == expected);
      if (padding == 0 && have_command("qemu-img")) {
        CHECK(qemu_reads(folder, folder / "s.vmdk") == expected);
      }
      stream.grains[1300] += zeros(65536 - 5 * 512);
      folder.write("s.vmdk", stream.build().image);
      CHECK(read_whole(folder / "s.vmdk") == expected);
    }
  }
}

TEST_CASE("the redundant directory and its tables stand in for damaged ones") {
  HostedSparse sparse{.flags = 3, .capacity = 128 * 1500, .redundant = true};
  for (const std::uint64_t grain : {0ULL, 1ULL, 511ULL, 512ULL, 1400ULL}) {
    sparse.grains[grain] = block(65536, grain + 1);
  }
  sparse.descriptor = vmdk_descriptor("monolithicSparse", "RW 192000 SPARSE \"x.vmdk\"");
  const std::string expected = overlaid(zeros(192000 * 512), 65536, sparse.grains);
  const auto built = sparse.build();
  const auto recovered = [&](std::string image) {
    TemporaryFolder folder;
    folder.write("x.vmdk", image);
    const auto disk = must(open_disk(folder / "x.vmdk"));
    CHECK(bytes_of(*disk) ==
          std::vector<std::byte>(as_bytes(expected).begin(), as_bytes(expected).end()));
    CHECK(!must(disk->info()).warnings.empty());
  };
  SUBCASE("a directory entry past the end") {
    std::string image = built.image;
    poke<std::uint32_t>(image, built.directory + 4, 0xfffffff0);
    recovered(image);
  }
  SUBCASE("a directory of zeros") {
    std::string image = built.image;
    for (int i = 0; i < 3; ++i) poke<std::uint32_t>(image, built.directory + i * 4, 0);
    recovered(image);
  }
  SUBCASE("the directory's place past the end") {
    std::string image = built.image;
    poke<std::uint64_t>(image, 56, 0x7fffffff);
    recovered(image);
  }
  SUBCASE("a table of garbage") {
    std::string image = built.image;
    for (int i = 0; i < 512; ++i) poke<std::uint32_t>(image, built.tables.at(0) + i * 4, 3);
    recovered(image);
  }
}

TEST_CASE("a renamed disk with an embedded descriptor opens under its new name") {
  TemporaryFolder folder;
  HostedSparse sparse{.capacity = 2048};
  sparse.grains[0] = block(65536, 1);
  sparse.descriptor =
      vmdk_descriptor("monolithicSparse", "RDONLY 99 SPARSE \"/vmfs/volumes/old/name.vmdk\"");
  folder.write("new.vmdk", sparse.build().image);
  CHECK(read_whole(folder / "new.vmdk") == overlaid(zeros(2048 * 512), 65536, sparse.grains));
}

TEST_CASE("one extent of a split disk opens by itself, with a warning") {
  TemporaryFolder folder;
  HostedSparse sparse{.capacity = 2048};
  sparse.grains[0] = block(65536, 1);
  folder.write("d-s001.vmdk", sparse.build().image);
  CHECK(must(open_disk(folder / "d-s001.vmdk"))->size() == 2048 * 512);
  CHECK(warnings_of(folder / "d-s001.vmdk").size() == 1);
}

TEST_CASE("a flat file is no VMDK by itself, and the error says what to open") {
  TemporaryFolder folder;
  folder.write("x-flat.vmdk", block(8192, 1));
  CHECK(outcome(open_disk(folder / "x-flat.vmdk")) == "UnsafeProbe");
  const auto opened = open_disk(folder / "x-flat.vmdk", {.format = "vmdk"});
  CHECK(outcome(opened) == "BadMagic");
  CHECK(opened.error().message().find("-flat.vmdk") != std::string::npos);
}

TEST_SUITE_END();
