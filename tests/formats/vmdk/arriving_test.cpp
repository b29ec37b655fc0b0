// Streams read while they arrive: by their markers, in order, with the directory at the end as the
// proof that nothing was missed.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "formats/disk_bytes.hpp"
#include "formats/vmdk/guest_disk.hpp"
#include "support/compress.hpp"
#include "support/piped.hpp"
#include "support/skip.hpp"
#include "support/vmdk/builders.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

std::string grain(std::uint64_t seed) { return std::string(text_of(pattern(65536, seed))); }

/// 2000 grains' worth of disk, six grains in use, the last one among them.
HostedSparse stream(bool footer = true) {
  HostedSparse stream{.capacity = 128 * 2000, .footer = footer};
  stream.stream();
  stream.descriptor = vmdk_descriptor("streamOptimized", "RW 256000 SPARSE \"x.vmdk\"");
  for (const std::uint64_t number : {0, 1, 700, 701, 1500, 1999}) {
    stream.grains[number] = grain(number);
  }
  return stream;
}

Result<std::vector<std::byte>> read_through_pipe(const std::string& image, bool salvage = false) {
  const Piped pipe(image);
  auto disk = open_disk(pipe.location(), {.format = "vmdk", .allow_corrupt = salvage});
  if (!disk) return std::unexpected(disk.error());
  return try_bytes(**disk);
}

std::vector<std::byte> read_from_file(const std::string& image) {
  TemporaryFolder folder;
  return bytes_of(*must(open_disk(folder.write("x.vmdk", image))));
}

template <class T>
std::string poked(std::string image, std::uint64_t offset, T value) {
  poke<T>(image, offset, value);
  return image;
}

/// Hands out its bytes only as far as somebody allowed.
class Tap {
 public:
  explicit Tap(std::string bytes) : bytes_(std::move(bytes)) {
    REQUIRE(::mkfifo(path().c_str(), 0600) == 0);
    writer_ = std::jthread([this] { run(); });
  }
  ~Tap() { allow(bytes_.size()); }

  std::string path() const { return folder_ / "fifo"; }
  void allow(std::size_t end) {
    const std::lock_guard lock(mutex_);
    allowed_ = end;
    changed_.notify_all();
  }

 private:
  void run() {
    const Descriptor fifo(::open(path().c_str(), O_WRONLY | O_CLOEXEC));
    for (std::size_t at = 0; at < bytes_.size();) {
      std::size_t end = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return allowed_ > at; });
        end = allowed_;
      }
      Piped::write_all(fifo.get(), std::string_view(bytes_).substr(at, end - at), 4096);
      at = end;
    }
  }

  TemporaryFolder folder_;
  std::string bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t allowed_ = 0;
  std::jthread writer_;
};

}  // namespace

TEST_SUITE_BEGIN("vmdk");

TEST_CASE("a stream through a pipe is the disk that the file is") {
  for (const bool footer : {false, true}) {
    CAPTURE(footer);
    const std::string image = stream(footer).build().image;
    TemporaryFolder folder;
    const auto file = must(open_disk(folder.write("x.vmdk", image)));
    const auto wanted = bytes_of(*file);
    for (const std::size_t slice : {1000, 65536}) {
      const Piped pipe(image, slice);
      const auto disk = must(open_disk(pipe.location()));
      CHECK(disk->size() == file->size());
      CHECK(must(disk->info()).subformat == "streamOptimized");
      CHECK((bytes_of(*disk) == wanted));
      const auto map = must(disk->map());
      const auto wanted_map = must(file->map());
      REQUIRE(map.size() == wanted_map.size());
      for (std::size_t i = 0; i < map.size(); ++i) {
        CHECK(map[i].offset == wanted_map[i].offset);
        CHECK(map[i].compressed == wanted_map[i].compressed);
      }
      CHECK(must(disk->check()).corrupt_units == 0);
    }
  }
}

TEST_CASE("what has arrived is read while the rest is still to come") {
  const auto built = stream().build();
  Tap tap(built.image);
  // A table's grains are known when one behind them has come.
  tap.allow(built.grain_places.at(1999) + 512);
  const auto disk = must(open_disk(tap.path()));
  std::vector<std::byte> bytes(65536);
  for (const std::uint64_t number : {0, 1, 700}) {
    must(disk->read(number * 65536, bytes));
    CHECK(text_of(bytes) == grain(number));
  }
  CHECK(must(disk->extent(2 * 65536, 100 * 65536)).zero);
  tap.allow(built.image.size());
  must(disk->read(1999 * 65536, bytes));
  CHECK(text_of(bytes) == grain(1999));
}

TEST_CASE("a wait for a pipe ends when the caller wants no more") {
  const auto built = stream().build();
  Tap tap(built.image);
  std::stop_source stop;
  std::jthread impatient([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  CHECK(outcome(open_disk(tap.path(), {.format = "vmdk", .stop = stop.get_token()})) ==
        "Cancelled");
}

TEST_CASE("streams made by qemu-img and by vmlift go through a pipe into any format") {
  if (!have_command("qemu-img")) return skip("qemu-img is absent");
  TemporaryFolder folder;
  const auto guest = guest_disk((40 << 20) + 3 * 512, 11);
  const std::string made = qemu_made(folder, "subformat=streamOptimized", guest);
  must(convert({.source = made,
                .target = folder / "ours.vmdk",
                .target_format = "vmdk",
                .target_options = {.options = {{"subformat", "streamOptimized"}}}}));
  for (const char* name : {"disk.vmdk", "ours.vmdk"}) {
    for (const std::string format : {"raw", "qcow2", "vmdk"}) {
      CAPTURE(name);
      CAPTURE(format);
      const Piped pipe(folder.read(name), 100000);
      TemporaryFolder target;
      ConvertRequest request{.source = pipe.location(),
                             .source_options = {.format = "vmdk"},
                             .target = target / "out",
                             .target_format = format,
                             .target_options = {.compress = format == "qcow2"},
                             .copy = {.threads = 4, .verify = true}};
      must(convert(request));
      const auto disk = must(open_disk(target / "out", {.format = format}));
      CHECK((bytes_of(*disk) == guest));
    }
  }
}

TEST_CASE("a directory that does not say what the stream held is Corrupt") {
  for (const bool footer : {false, true}) {
    CAPTURE(footer);
    const auto built = stream(footer).build();
    const auto place = static_cast<std::uint32_t>(built.grain_places.at(1) / 512);
    const auto fate = [&](std::uint64_t number, std::uint32_t entry) {
      return outcome(read_through_pipe(poked(built.image, built.entry_of(number), entry)));
    };
    CHECK(outcome(read_through_pipe(built.image)) == "ok");
    CHECK(fate(1, 0) == "Corrupt");          // it forgets a grain
    CHECK(fate(2, place) == "Corrupt");      // it has one more
    CHECK(fate(1, place + 1) == "Corrupt");  // it has it elsewhere
    CHECK(fate(1999, 0) == "Corrupt");
  }
}

TEST_CASE("grains out of order, markers of no meaning, footers that are missing") {
  const auto built = stream().build();
  CHECK(outcome(read_through_pipe(poked<std::uint64_t>(built.image, built.grain_places.at(700),
                                                       128 * 1800))) == "UnsupportedFeature");
  CHECK(outcome(read_through_pipe(
            poked<std::uint64_t>(built.image, built.grain_places.at(700), 7))) == "Corrupt");
  CHECK(outcome(read_through_pipe(poked<std::uint32_t>(built.image, built.grain_places.at(700) + 8,
                                                       0xffffffff))) == "Corrupt");
  CHECK(outcome(read_through_pipe(poked<std::uint32_t>(built.image, built.footer, 0))) ==
        "Truncated");
  CHECK(outcome(read_through_pipe(poked<std::uint64_t>(built.image, built.footer + 12, 4096))) ==
        "Corrupt");
  CHECK(outcome(read_through_pipe(poked<std::uint32_t>(
            built.image, built.grain_places.at(1500) + 14, 0xffffffff))) == "Corrupt");
}

TEST_CASE("a stream that breaks off is Truncated, or has all its bytes") {
  for (const bool footer : {false, true}) {
    HostedSparse small{.capacity = 8 * 40, .grain_size = 8, .table_entries = 128, .footer = footer};
    small.stream();
    small.descriptor = vmdk_descriptor("streamOptimized", "RW 320 SPARSE \"x.vmdk\"");
    for (const std::uint64_t number : {0, 1, 7, 20, 39}) {
      small.grains[number] = std::string(text_of(pattern(4096, number)));
    }
    const auto built = small.build();
    const auto whole = read_from_file(built.image);
    for (std::size_t cut = 0; cut < built.image.size(); cut += 512) {
      CAPTURE(cut);
      const auto result = read_through_pipe(built.image.substr(0, cut));
      if (result) {
        CHECK((*result == whole));
      } else {
        const std::string code = outcome(result);
        CHECK((code == "Truncated" || code == "BadMagic"));
      }
    }
  }
}

TEST_CASE("a broken stream gives what came to a caller who asks for it") {
  const auto built = stream().build();
  const auto whole = read_from_file(built.image);
  const std::size_t lost = 1500 * 65536;
  const auto rest =
      must(read_through_pipe(built.image.substr(0, built.grain_places.at(1500) + 1000), true));
  CHECK(std::equal(rest.begin(), rest.begin() + lost, whole.begin()));
  CHECK(
      std::all_of(rest.begin() + lost, rest.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("compressed streams are read while they are expanded, and other images too") {
  const std::string image = stream().build().image;
  const auto whole = read_from_file(image);
  TemporaryFolder folder;
  for (const std::string& path :
       {folder.write("x.vmdk.gz", gzip_of(image)), folder.write("x.vmdk.xz", xz_of(image)),
        folder.write("x.vmdk.zst", zstd_of(image))}) {
    CAPTURE(path);
    CHECK((bytes_of(*must(open_disk(path))) == whole));
  }
  HostedSparse sparse{.capacity = 128 * 2000};
  sparse.descriptor = vmdk_descriptor("monolithicSparse", "RW 256000 SPARSE \"x.vmdk\"");
  sparse.grains = stream().grains;
  CHECK((must(read_through_pipe(sparse.build().image)) == whole));
  const Piped raw{std::string(text_of(whole))};
  CHECK((bytes_of(*must(open_disk(raw.location(), {.format = "raw"}))) == whole));
}

TEST_CASE("a pipe cannot be written, and what it names is not opened") {
  CHECK(outcome(open_disk(Piped("x").location(), {.format = "raw", .writable = true})) ==
        "Permission");
  for (const auto references :
       {OpenPolicy::References::by_format, OpenPolicy::References::same_directory}) {
    const Piped pipe(vmdk_descriptor("monolithicFlat", "RW 1 FLAT \"passwd\" 0"));
    OpenOptions options{.format = "vmdk"};
    options.policy.references = references;
    CHECK(outcome(open_disk(pipe.location(), options)) == "ReferenceDenied");
  }
}

TEST_SUITE_END();
