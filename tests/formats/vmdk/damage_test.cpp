// Damaged and hostile images: each is a named error, quickly, in little memory, and nothing but
// what the policy allows is opened.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/fate.hpp"
#include "support/vmdk/builders.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string fate(const TemporaryFolder& folder, const std::string& name) {
  return vmlift::test::fate(folder / name, {.format = "vmdk"});
}

std::string fate_of_image(const std::string& image) {
  TemporaryFolder folder;
  folder.write("x.vmdk", image);
  return fate(folder, "x.vmdk");
}

/// A descriptor of these lines, in a folder with a file outside of it.
std::string fate_of_lines(std::string_view lines, std::string_view type = "monolithicFlat") {
  TemporaryFolder folder;
  folder.write("outside/secret", std::string(1 << 20, 's'));
  folder.write("in/sub/file", "x");
  folder.write("in/ok.vmdk", std::string(1 << 20, 'o'));
  folder.write("in/x.vmdk", vmdk_descriptor(type, lines));
  std::filesystem::create_symlink("../outside/secret", folder / "in/link.vmdk");
  ::mkfifo((folder / "in/fifo.vmdk").c_str(), 0600);
  return fate(folder, "in/x.vmdk");
}

std::string grain(char letter) { return std::string(65536, letter); }

/// 1000 grains' worth of disk, three grains in use.
HostedSparse sparse_disk() {
  HostedSparse sparse{.capacity = 128000};
  sparse.descriptor = vmdk_descriptor("monolithicSparse", "RW 128000 SPARSE \"x.vmdk\"");
  sparse.grains = {{0, grain('a')}, {1, grain('b')}, {600, grain('c')}};
  return sparse;
}
HostedSparse stream_disk(bool footer = false) {
  HostedSparse stream = sparse_disk();
  stream.stream().footer = footer;
  stream.descriptor = vmdk_descriptor("streamOptimized", "RW 128000 SPARSE \"x.vmdk\"");
  return stream;
}

template <class T>
std::string poked(std::string image, std::uint64_t offset, T value) {
  poke<T>(image, offset, value);
  return image;
}

/// A folder with a base, CID aaaaaaaa, and deltas over it.
struct Chain {
  TemporaryFolder folder;

  Chain() {
    folder.write("outside/secret.vmdk", "secret");
    folder.write("in/base-flat.vmdk", std::string(1 << 20, 'b'));
    folder.write("in/base.vmdk",
                 vmdk_descriptor("monolithicFlat", "RW 2048 FLAT \"base-flat.vmdk\" 0", "ffffffff",
                                 "", "aaaaaaaa"));
  }
  void add(const std::string& name, std::string_view parent_cid, std::string_view hint,
           std::string_view cid = "bbbbbbbb") {
    HostedSparse sparse{.capacity = 2048};
    sparse.descriptor =
        vmdk_descriptor("monolithicSparse", "RW 2048 SPARSE \"x\"", parent_cid, hint, cid);
    folder.write("in/" + name, sparse.build().image);
  }
  std::string fate_of_delta(std::string_view parent_cid, std::string_view hint) {
    add("d.vmdk", parent_cid, hint);
    return fate(folder, "in/d.vmdk");
  }
};

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("extents outside the folder are denied: absolute, .., links, devices, protocols") {
  TemporaryFolder outside;
  outside.write("secret", std::string(1 << 20, 's'));
  for (const std::string& name :
       {outside / "secret", std::string("../outside/secret"), std::string("link.vmdk"),
        std::string("/dev/zero"), std::string("nbd:127.0.0.1:1"), std::string("http://host/x"),
        std::string("json:{}"), std::string("fifo.vmdk"),
        std::string("sub/../../outside/secret")}) {
    CAPTURE(name);
    for (const std::string type : {"FLAT \"{}\" 0", "VMFS \"{}\"", "SPARSE \"{}\"",
                                   "VMFSSPARSE \"{}\"", "SESPARSE \"{}\""}) {
      CHECK(fate_of_lines("RW 2048 " + fmt::format(fmt::runtime(type), name)) == "ReferenceDenied");
    }
  }
}

TEST_CASE("sizes that cannot be") {
  CHECK(fate_of_lines("RW 9223372036854775807 FLAT \"ok.vmdk\" 0") == "Limit");
  CHECK(fate_of_lines("RW -2048 FLAT \"ok.vmdk\" 0") == "BadDescriptor");
  CHECK(fate_of_lines("RW 2048 FLAT \"ok.vmdk\" 36028797018963968") == "BadDescriptor");
  CHECK(fate_of_lines("RW 4096 FLAT \"ok.vmdk\" 0") == "Truncated");
  CHECK(fate_of_lines("RW 2048 FLAT \"ok.vmdk\" 1") == "Truncated");
  std::string many;
  for (int i = 0; i < 1024; ++i) many += "RW 36028797018963967 ZERO\n";
  CHECK(fate_of_lines(many) == "Limit");
  CHECK(fate_of_image(poked<std::uint64_t>(sparse_disk().build().image, 12,
                                           std::uint64_t{1} << 62)) == "Limit");
}

TEST_CASE("missing files, long lines, self-reference, unknown kinds") {
  CHECK(fate_of_lines("RW 2048 FLAT \"gone.vmdk\" 0") == "MissingExtent");
  CHECK(fate_of_lines("RW 1 FLAT \"" + std::string(20 << 20, 'a') + "\" 0") == "Limit");
  CHECK(fate_of_lines("RW 2048 VMFSRDM \"ok.vmdk\"", "vmfsRDM") == "UnsupportedFeature");
  CHECK(fate_of_lines("RW 2048 SPARSE \"x.vmdk\"") == "BadHeader");
  CHECK(fate_of_lines("RW 0 FLAT \"x.vmdk\" 0\nRW 1 FLAT \"x.vmdk\" 0") == "BadHeader");
  CHECK(fate_of_lines("RW 2048 SPARSE \"ok.vmdk\"") == "BadHeader");
  CHECK(fate_of_lines("RW 2048 VMFSSPARSE \"ok.vmdk\"") == "BadHeader");
  CHECK(fate_of_lines("RW 2048 SESPARSE \"ok.vmdk\"") == "BadHeader");
  CHECK(fate_of_lines("RW 2048 FLAT \"ok.vmdk\" 0", "evil") == "BadDescriptor");
  CHECK(fate_of_lines("") == "BadDescriptor");
}

TEST_CASE("parents: outside the folder, itself, another's, too many") {
  Chain chain;
  CHECK(chain.fate_of_delta("aaaaaaaa", "base.vmdk") == "ok");
  CHECK(chain.fate_of_delta("aaaaaaaa", chain.folder / "outside/secret.vmdk") == "ReferenceDenied");
  CHECK(chain.fate_of_delta("aaaaaaaa", "../outside/secret.vmdk") == "ReferenceDenied");
  CHECK(chain.fate_of_delta("bbbbbbbb", "d.vmdk") == "ChainLoop");
  CHECK(chain.fate_of_delta("cccccccc", "base.vmdk") == "Corrupt");
  CHECK(chain.fate_of_delta("aaaaaaaa", "gone.vmdk") == "MissingExtent");
  std::string below = "base.vmdk";
  std::string below_cid = "aaaaaaaa";
  for (int i = 0; i < 1200; ++i) {
    const std::string cid = fmt::format("{:08x}", i + 1);
    const std::string name = fmt::format("c{}.vmdk", i);
    chain.add(name, below_cid, below, cid);
    below = name;
    below_cid = cid;
  }
  CHECK(fate(chain.folder, "in/" + below) == "Limit");
  CHECK(fate(chain.folder, "in/c50.vmdk") == "ok");
}

TEST_CASE("half a disk is Truncated; 30000 extents of zeros are a disk") {
  for (const HostedSparse& whole : {sparse_disk(), stream_disk(), stream_disk(true)}) {
    const std::string image = whole.build().image;
    CHECK(fate_of_image(image.substr(0, image.size() / 2)) == "Truncated");
  }
  std::string lines;
  for (int i = 0; i < 30000; ++i) lines += "RW 2048 ZERO\n";
  CHECK(fate_of_lines(lines, "custom") == "ok");
}

TEST_CASE("header fields that cannot be") {
  const std::string image = sparse_disk().build().image;
  CHECK(fate_of_image(image) == "ok");
  for (const std::uint64_t grain_size :
       {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 40}) {
    CHECK(fate_of_image(poked(image, 20, grain_size)) == "BadHeader");
  }
  for (const std::uint32_t entries : {0U, 0xffffffffU, 3U, 1U << 20}) {
    CHECK(fate_of_image(poked(image, 44, entries)) == "BadHeader");
  }
  CHECK(fate_of_image(poked<std::uint32_t>(image, 4, 99)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint32_t>(image, 4, 0)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint32_t>(image, 8, 0x40001)) == "UnsupportedFeature");
  CHECK(fate_of_image(poked<std::uint32_t>(image, 8, 0x20001)) == "UnsupportedFeature");
  CHECK(fate_of_image(poked<std::uint32_t>(image, 8, 0x10001)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint16_t>(image, 77, 7)) == "UnsupportedFeature");
  CHECK(fate_of_image(poked<std::uint32_t>(image, 73, 0x0a0a0d0a)) == "Corrupt");
  // A file that went through a text-mode transfer.
  CHECK(fate_of_image(poked<std::uint8_t>(image, 73, '\r')) == "Corrupt");
  // A directory that the file does not hold, and one that no limit allows.
  HostedSparse wide{.capacity = std::uint64_t{1} << 36, .grain_size = 1, .table_entries = 512};
  HostedSparse small = sparse_disk();
  std::string huge = poked(small.build().image, 12, wide.capacity);
  poke<std::uint64_t>(huge, 20, 1);
  CHECK(fate_of_image(huge) == "Limit");
}

TEST_CASE("embedded descriptors past the end, too long, or of another kind") {
  const std::string image = sparse_disk().build().image;
  CHECK(fate_of_image(poked<std::uint64_t>(image, 28, 1 << 30)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint64_t>(image, 36, 1 << 20)) == "Limit");
  HostedSparse outside = sparse_disk();
  outside.descriptor = vmdk_descriptor("monolithicFlat", "RW 128000 FLAT \"/etc/passwd\" 0");
  CHECK(fate_of_image(outside.build().image) == "BadDescriptor");
  // A container for nothing but a descriptor is followed, under the policy.
  HostedSparse container{.capacity = 0};
  container.descriptor = vmdk_descriptor("monolithicFlat", "RW 1 FLAT \"/etc/passwd\" 0");
  CHECK(fate_of_image(container.build().image) == "ReferenceDenied");
}

TEST_CASE("directories, tables and grains past the end") {
  const auto built = sparse_disk().build();
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 56, 1 << 30)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 56, ~std::uint64_t{1})) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 56, 0)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, built.directory, 0xfffffff0)) ==
        "Truncated");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, built.entry_of(1), 0xfffffff0)) ==
        "Truncated");
  const std::string cut = built.image.substr(0, built.image.size() - 1);
  CHECK(fate_of_image(cut) == "Truncated");
}

TEST_CASE("grains inside the metadata, and grains used twice") {
  const auto built = sparse_disk().build();
  for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{512}, built.directory,
                                    built.tables.at(0), built.tables.at(1)}) {
    CAPTURE(place);
    const auto sector = static_cast<std::uint32_t>(place / 512);
    if (sector == 0) continue;  // 0 means that there is none
    CHECK(fate_of_image(poked(built.image, built.entry_of(5), sector)) == "Corrupt");
  }
  const auto first = static_cast<std::uint32_t>(built.grain_places.at(0) / 512);
  CHECK(fate_of_image(poked(built.image, built.entry_of(5), first)) == "Corrupt");
  CHECK(fate_of_image(poked(built.image, built.entry_of(700), first)) == "Corrupt");
  // Not the same grain, but half of it.
  CHECK(fate_of_image(poked(built.image, built.entry_of(5), first + 4)) == "Corrupt");
}

TEST_CASE("one grain for 8 TiB is found out at once") {
  // 256 Ki entries in the directory, all of them the same table, all its entries one grain.
  HostedSparse sparse{.capacity = 65536};
  sparse.grains = {{0, grain('a')}};
  const auto built = sparse.build();
  std::string image = built.image;
  for (std::uint64_t i = 0; i < 512; ++i) {
    poke(image, built.tables.at(0) + i * 4,
         static_cast<std::uint32_t>(built.grain_places.at(0) / 512));
  }
  constexpr std::uint64_t kTables = (std::uint64_t{8} << 40) / 512 / 65536;
  poke<std::uint64_t>(image, 12, kTables * 65536);
  poke<std::uint64_t>(image, 56, image.size() / 512);
  std::string directory(kTables * 4, '\0');
  for (std::uint64_t i = 0; i < kTables; ++i) {
    poke(directory, i * 4, static_cast<std::uint32_t>(built.tables.at(0) / 512));
  }
  CHECK(fate_of_image(image + directory) == "Corrupt");
}

TEST_CASE("compressed grains that are not what they say") {
  const auto built = stream_disk().build();
  CHECK(fate_of_image(built.image) == "ok");
  const std::uint64_t marker = built.grain_places.at(1);
  const std::uint64_t last = built.grain_places.at(600);
  for (const std::uint32_t size : {0U, 0xffffffffU, 200000U}) {
    CHECK(fate_of_image(poked(built.image, marker + 8, size)) == "Corrupt");
  }
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, last + 8, 100000)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, marker, 7)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, marker + 12, 0)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, marker + 14, 0xffffffff)) == "Corrupt");
  // The stored checksum is the payload's last four bytes.
  const auto size = load_le<std::uint32_t>(as_bytes(built.image), marker + 8);
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, marker + 12 + size - 4, 0)) ==
        "ChecksumMismatch");
  // Two entries for one compressed grain: its marker belongs to one of them.
  CHECK(fate_of_image(poked(built.image, built.entry_of(5),
                            static_cast<std::uint32_t>(marker / 512))) == "Corrupt");
  // A marker with the file's end in the middle of it.
  CHECK(fate_of_image(built.image.substr(0, last + 6)) == "Truncated");
}

TEST_CASE("grains that inflate to too much or too little") {
  for (const std::size_t size : {std::size_t{64} << 20, std::size_t{65537}, std::size_t{65535},
                                 std::size_t{512}, std::size_t{0}}) {
    CAPTURE(size);
    HostedSparse stream = stream_disk();
    stream.grains[1] = std::string(size, 'x');
    CHECK(fate_of_image(stream.build().image) == "Corrupt");
  }
}

TEST_CASE("footers missing, contradicting, or pointing at themselves") {
  const auto built = stream_disk(true).build();
  CHECK(fate_of_image(built.image) == "ok");
  CHECK(fate_of_image(built.image.substr(0, built.footer)) == "Truncated");
  CHECK(fate_of_image(poked(built.image, built.footer + 56, ~std::uint64_t{0})) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, built.footer + 12, 4096)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, built.footer + 20, 64)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, built.footer + 4, 99)) ==
        "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, built.footer + 56, 1 << 30)) ==
        "Truncated");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, built.footer, 0)) == "Truncated");
}

TEST_CASE("COWD headers that cannot be") {
  Cowd cowd{.capacity = 8192, .grain_size = 1};
  cowd.grains = {{3, std::string(512, 'c')}, {5000, std::string(512, 'd')}};
  const auto built = cowd.build();
  CHECK(fate_of_image(built.image) == "ok");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 4, 2)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 16, 0)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 16, 0xffffffff)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 20, 0)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 20, 1 << 30)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, 24, 1)) == "BadHeader");
  // A directory for 2 TiB of single sectors, which the file does not hold.
  std::string huge = poked<std::uint32_t>(built.image, 12, 0xffffffff);
  poke<std::uint32_t>(huge, 24, 0xffffffff);
  CHECK(fate_of_image(huge) == "Truncated");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, built.directory, 1 << 30)) == "Truncated");
  const std::uint64_t entry = built.tables.at(0) + 3 * 4;
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, entry, 1 << 30)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint32_t>(built.image, entry, 1)) == "Corrupt");
  CHECK(fate_of_image(poked(built.image, entry,
                            load_le<std::uint32_t>(as_bytes(built.image),
                                                   built.tables.at(1) + 904 * 4))) == "Corrupt");
}

TEST_CASE("seSparse headers and entries that cannot be") {
  SeSparse sparse{.capacity = 65536};
  sparse.grains = {{0, std::string(4096, 'a')}, {5000, std::string(4096, 'b')}};
  const auto built = sparse.build();
  CHECK(fate_of_image(built.image) == "ok");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 8, 3)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 24, 0)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 40, 1)) == "UnsupportedVersion");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 16, std::uint64_t{1} << 60)) == "Limit");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 128, 0)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 128, 1 << 30)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, 136, 0)) == "BadHeader");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, built.directory, 7)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, built.directory,
                                           0x1000000000000000 | 999)) == "Corrupt");
  // The first table is the second in the file.
  const std::uint64_t entry = built.tables + 32768;
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, entry, 5)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, entry, 0x7000000000000000)) == "Corrupt");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, entry, 0x3fffffffffffffff)) == "Truncated");
  CHECK(fate_of_image(poked<std::uint64_t>(built.image, entry, 0x3001000000000000)) == "Corrupt");
}

TEST_CASE("check counts grains that no table points to") {
  const auto leaked = [](const std::string& image) {
    TemporaryFolder folder;
    folder.write("x.vmdk", image);
    const auto report = must(must(open_disk(folder / "x.vmdk"))->check());
    CHECK(report.corrupt_units == 0);
    CHECK(report.findings.size() == (report.leaked_units == 0 ? 0 : 1));
    return report.leaked_units;
  };
  HostedSparse redundant = sparse_disk();
  redundant.flags = 3;
  redundant.redundant = true;
  for (const HostedSparse& disk : {sparse_disk(), redundant, stream_disk(), stream_disk(true)}) {
    const auto built = disk.build();
    CHECK(leaked(built.image) == 0);
    std::string image = poked<std::uint32_t>(built.image, built.entry_of(1), 0);
    CHECK(leaked(image) == 1);
    poke<std::uint32_t>(image, built.entry_of(600), 0);
    CHECK(leaked(image) == 2);
  }
  Cowd cowd{.capacity = 8192, .grain_size = 8};
  for (const std::uint64_t grain : {0, 1, 500}) cowd.grains[grain] = std::string(4096, 'c');
  const auto built = cowd.build();
  CHECK(leaked(built.image) == 0);
  // Room that ESX set aside for grains to come is no leak.
  CHECK(leaked(built.image + std::string(1 << 20, '\0')) == 0);
  CHECK(leaked(poked<std::uint32_t>(built.image, built.tables.at(0) + 4, 0)) == 1);
}

TEST_CASE("check counts what is damaged and goes on") {
  const auto built = stream_disk().build();
  std::string image = poked<std::uint32_t>(built.image, built.grain_places.at(0) + 14, 0xffffffff);
  poke<std::uint32_t>(image, built.entry_of(700), 0xfffffff0);
  TemporaryFolder folder;
  folder.write("x.vmdk", image);
  const auto report = must(must(open_disk(folder / "x.vmdk"))->check());
  CHECK(report.total_units == 1000);
  CHECK(report.allocated_units == 4);
  CHECK(report.corrupt_units == 2);
  CHECK(report.findings.size() == 2);
}

TEST_SUITE_END();
