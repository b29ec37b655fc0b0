// Writing every kind that can be created; qemu-img reads what was written.
#include <doctest/doctest.h>

#include <numeric>

#include "base/bytes.hpp"
#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "formats/vmdk/marker.hpp"
#include "formats/vmdk/sparse_header.hpp"
#include "io/memory_file.hpp"
#include "support/skip.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

const std::vector<std::string> kKinds = {
    "monolithicSparse",   "monolithicFlat",  "vmfs",
    "twoGbMaxExtentFlat", "streamOptimized", "twoGbMaxExtentSparse"};

std::unique_ptr<Disk> create(const std::string& path, std::uint64_t size, const std::string& kind,
                             std::map<std::string, std::string> options = {}) {
  options["subformat"] = kind;
  return must(create_disk(path, "vmdk", {.size = size, .options = std::move(options)}));
}

std::unique_ptr<Disk> in_memory(std::span<const std::byte> bytes) {
  return must(open_disk(std::make_shared<MemoryFile>("source", bytes), {.format = "raw"}));
}

/// Writes `bytes` by plain writes of random lengths, in random order where the kind allows it.
void write_in_pieces(Disk& disk, std::span<const std::byte> bytes, std::mt19937_64& random) {
  std::vector<Extent> pieces;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const std::uint64_t length = std::min<std::uint64_t>(bytes.size() - at, 1 + random() % 200000);
    pieces.push_back({at, length});
    at += length;
  }
  if (!disk.capabilities().ascending) std::ranges::shuffle(pieces, random);
  for (const Extent& piece : pieces) {
    const auto part = bytes.subspan(piece.offset, piece.length);
    if (all_zero(part) && random() % 2 == 0) {
      must(disk.zero(piece));
    } else {
      must(disk.write(piece.offset, part));
    }
  }
}

std::vector<std::byte> padded(std::vector<std::byte> bytes) {
  bytes.resize((bytes.size() + 511) / 512 * 512);
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("every kind reads back as it was written, by vmlift and by qemu-img") {
  const bool qemu = have_command("qemu-img");
  const std::uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const std::string& kind : kKinds) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{512}, std::size_t{1000},
                                   std::size_t{1} << 20, std::size_t{1 + random() % (40 << 20)}}) {
      CAPTURE(kind);
      CAPTURE(size);
      TemporaryFolder folder;
      const auto bytes = guest_disk(size, random());
      {
        const auto disk = create(folder / "out.vmdk", size, kind);
        CHECK(disk->size() == padded(bytes).size());
        write_in_pieces(*disk, bytes, random);
        must(disk->commit());
      }
      const auto disk = must(open_disk(folder / "out.vmdk"));
      CHECK(must(disk->info()).subformat == kind);
      CHECK(bytes_of(*disk) == padded(bytes));
      if (size == 0 || !qemu) continue;  // qemu-img refuses VMDKs of no bytes, its own too
      CHECK(qemu_reads(folder, folder / "out.vmdk") == text_of(padded(bytes)));
    }
  }
  if (!qemu) skip("qemu-img is absent; only read back");
}

TEST_CASE("what is copied in parallel is the source, and a second copy takes the grains over") {
  const auto bytes = guest_disk((30 << 20) + 512 * 77, 11);
  const auto source = in_memory(bytes);
  TemporaryFolder folder;
  for (const std::string& kind : kKinds) {
    CAPTURE(kind);
    const auto disk = create(folder / kind, bytes.size(), kind);
    must(copy_disk(*source, *disk, {.verify = true}));
    CHECK(bytes_of(*must(open_disk(folder / kind))) == bytes);
  }
  const auto stream = must(open_disk(folder / "streamOptimized"));
  const auto again = create(folder / "again.vmdk", bytes.size(), "streamOptimized");
  const CopyReport report = must(copy_disk(*stream, *again, {.verify = true}));
  CHECK(report.encoded_bytes > report.data_bytes / 2);
  // The same content under another name: only the name differs.
  const std::string one = folder.read("streamOptimized");
  const std::string two = folder.read("again.vmdk");
  CHECK(one.substr(128 * 512) == two.substr(128 * 512));
}

TEST_CASE("compressed qcow2 clusters become grains and grains become clusters") {
  const auto bytes = guest_disk((5 << 20) + 512, 12);
  TemporaryFolder folder;
  const auto qcow2 =
      must(create_disk(folder / "q", "qcow2", {.size = bytes.size(), .compress = true}));
  must(copy_disk(*in_memory(bytes), *qcow2, {}));
  const auto stream = create(folder / "s", bytes.size(), "streamOptimized");
  const auto there = must(copy_disk(*must(open_disk(folder / "q")), *stream, {.verify = true}));
  CHECK(there.encoded_bytes > 0);
  CHECK(bytes_of(*must(open_disk(folder / "s"))) == bytes);
  const auto back =
      must(create_disk(folder / "b", "qcow2", {.size = bytes.size(), .compress = true}));
  CHECK(must(copy_disk(*must(open_disk(folder / "s")), *back, {.verify = true})).encoded_bytes > 0);
}

TEST_CASE("a stream is laid out to the letter, and ends with its end marker") {
  TemporaryFolder folder;
  const auto bytes = guest_disk(80 << 20, 13);
  {
    const auto disk = create(folder / "s.vmdk", bytes.size(), "streamOptimized",
                             {{"adapter_type", "lsilogic"}, {"hwversion", "13"}});
    must(copy_disk(*in_memory(bytes), *disk, {}));
  }
  const std::string file = folder.read("s.vmdk");
  const auto all = as_bytes(file);
  REQUIRE(file.size() % 512 == 0);
  const auto header = must(vmdk::parse_sparse_header(all.first(512), Limits{}));
  CHECK(header.version == 3);
  CHECK(header.flags == 0x30001);
  CHECK(header.directory == vmdk::kDirectoryAtEnd);
  CHECK(header.capacity == bytes.size() / 512);
  const auto footer =
      must(vmdk::parse_sparse_header(all.subspan(file.size() - 1024, 512), Limits{}));
  CHECK(all_zero(all.subspan(file.size() - 512)));

  // One pass over the markers: ascending grains, each table behind its grains.
  std::uint64_t last_lba = 0;
  std::uint64_t grains = 0;
  std::uint64_t tables = 0;
  std::uint64_t directory = 0;
  std::size_t at = header.overhead * 512;
  while (true) {
    REQUIRE(at + 512 <= file.size());
    const auto marker = vmdk::Marker::parse(all.subspan(at, 512));
    if (marker.size != 0) {
      CHECK((grains == 0 || marker.value > last_lba));
      last_lba = marker.value;
      ++grains;
      at = (at + 12 + marker.size + 511) / 512 * 512;
      continue;
    }
    at += 512;
    if (marker.type == vmdk::Marker::kEndOfStream) break;
    if (marker.type == vmdk::Marker::kGrainTable) ++tables;
    if (marker.type == vmdk::Marker::kGrainDirectory) directory = at / 512;
    at += marker.value * 512;
  }
  CHECK(at == file.size());
  CHECK(tables == 3);
  CHECK(footer.directory == directory);

  const std::string text = file.substr(512, 20 * 512);
  for (const char* line :
       {"createType=\"streamOptimized\"", "RW 163840 SPARSE \"s.vmdk\"",
        "ddb.adapterType = \"lsilogic\"", "ddb.virtualHWVersion = \"13\"",
        "ddb.longContentID = ", "ddb.geometry.cylinders = ", "parentCID=ffffffff"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("a stream refuses to go back, and a failed disk leaves nothing behind") {
  TemporaryFolder folder;
  {
    const auto disk = create(folder / "s.vmdk", 1 << 20, "streamOptimized");
    must(disk->write(500000, pattern(1000, 1)));
    CHECK(outcome(disk->write(0, pattern(1000, 1))) == "InvalidArgument");
    CHECK(outcome(disk->commit()) == "InvalidArgument");
  }
  CHECK(folder.names().empty());
}

TEST_CASE("options are checked, and -c means a stream") {
  TemporaryFolder folder;
  const auto creating = [&](std::map<std::string, std::string> options, bool compress = false) {
    return outcome(create_disk(folder / "x.vmdk", "vmdk",
                               {.size = 512, .options = std::move(options), .compress = compress}));
  };
  CHECK(creating({{"subformat", "evil"}}) == "InvalidArgument");
  CHECK(creating({{"adapter_type", "nvme\nx"}}) == "InvalidArgument");
  CHECK(creating({{"hwversion", "7\""}}) == "InvalidArgument");
  CHECK(creating({{"compression_level", "13"}, {"subformat", "streamOptimized"}}) ==
        "InvalidArgument");
  CHECK(creating({{"compression", "fast"}}) == "InvalidArgument");
  CHECK(creating({{"subformat", "vmfs"}}, true) == "InvalidArgument");
  CHECK(outcome(create_disk(folder / "a\"b.vmdk", "vmdk", {.size = 512})) == "InvalidArgument");
  CHECK(outcome(create_disk(folder / "x.vmdk", "vmdk", {.size = std::uint64_t{1} << 60})) ==
        "Limit");
  CHECK(folder.names().empty());
  const auto disk = must(create_disk(folder / "c.vmdk", "vmdk", {.size = 512, .compress = true}));
  CHECK(must(disk->info()).subformat == "streamOptimized");
}

TEST_CASE("large disks: split extents, and a sparse disk of 3 TiB, in little room") {
  TemporaryFolder folder;
  const std::uint64_t split = std::uint64_t{4192256} * 512;
  for (const std::string kind : {"twoGbMaxExtentSparse", "twoGbMaxExtentFlat"}) {
    CAPTURE(kind);
    const std::uint64_t size = 2 * split + (10 << 20);
    const auto part = pattern(3 << 20, 4);
    {
      const auto disk = create(folder / (kind + ".vmdk"), size, kind);
      must(disk->write(split - (1 << 20), part));
      must(disk->write(size - part.size(), part));
      must(disk->commit());
    }
    const auto disk = must(open_disk(folder / (kind + ".vmdk")));
    CHECK(must(disk->info()).files.size() == 3);
    for (const std::uint64_t at : {split - (1 << 20), size - part.size()}) {
      std::vector<std::byte> read(part.size());
      must(disk->read(at, read));
      CHECK(read == part);
    }
  }
  const std::uint64_t size = std::uint64_t{3} << 40;
  for (const std::string kind : {"monolithicSparse", "streamOptimized"}) {
    CAPTURE(kind);
    const auto part = pattern(100000, 5);
    {
      const auto disk = create(folder / (kind + ".vmdk"), size, kind);
      must(disk->write(12345, part));
      must(disk->write(size - part.size(), part));
      must(disk->commit());
    }
    const auto disk = must(open_disk(folder / (kind + ".vmdk")));
    std::vector<std::byte> read(part.size());
    must(disk->read(12345, read));
    CHECK(read == part);
    must(disk->read(size - part.size(), read));
    CHECK(read == part);
    CHECK(must(disk->map()).size() == 3);
  }
}

TEST_SUITE_END();
