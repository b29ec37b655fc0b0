// Writing into existing images: against a model in memory, with qemu-img as judge of the
// structure, and with the power cut at every write.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>

#include "built_image.hpp"
#include "formats/disk_bytes.hpp"
#include "io/memory_file.hpp"
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

OpenOptions opening(bool writable) {
  OpenOptions options;
  options.format = "qcow2";
  options.policy.references = OpenPolicy::References::same_directory;
  options.writable = writable;
  return options;
}

/// QEMU leaks clusters now and then, which is repaired, and makes a corrupt image, which no repair
/// makes whole (see the README of the format, Read).
bool sound_or_leaking(const std::string& path) {
  constexpr int kLeaks = 3;
  const int status = run_command({"qemu-img", "check", path}).status;
  if (status == kLeaks) must_run({"qemu-img", "check", "-q", "-r", "leaks", path});
  return status == 0 || status == kLeaks;
}

/// One random change, made to the disk and to the model.
Result<void> change(Disk& disk, std::vector<std::byte>& model, std::mt19937_64& random) {
  const std::uint64_t offset = random() % model.size();
  const std::uint64_t most = std::min<std::uint64_t>(model.size() - offset, 400000);
  const std::uint64_t length = 1 + random() % most;
  const auto part = std::span(model).subspan(offset, length);
  switch (random() % 8) {
    case 0:
    case 1: {
      std::ranges::fill(part, std::byte{0});
      return disk.zero({offset, length});
    }
    case 2: {
      // What a discard leaves is its own affair where it is not a whole cluster: read it back.
      auto done = disk.discard({offset, length});
      if (!done) return done;
      return disk.read(offset, part);
    }
    case 3:
      return disk.flush();
    default:
      fill_pattern(part, random());
      return disk.write(offset, part);
  }
}

/// A file whose power can be cut: what is not synced may or may not be there afterwards, write by
/// write.
class FragileFile : public MemoryFile {
 public:
  using MemoryFile::MemoryFile;

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    unsynced_.push_back({offset, {buffer.begin(), buffer.end()}});
    auto written = MemoryFile::write(offset, buffer);
    if (after_write) after_write();
    return written;
  }
  Result<void> zero(Extent extent) override {
    const std::uint64_t end = *size();
    if (extent.offset >= end) return {};
    extent.length = std::min(extent.length, end - extent.offset);
    unsynced_.push_back({extent.offset, std::vector<std::byte>(extent.length)});
    return MemoryFile::zero(extent);
  }
  Result<void> sync() override {
    for (const auto& [offset, bytes] : unsynced_) must(durable_.write(offset, bytes));
    unsynced_.clear();
    return {};
  }
  /// What a machine finds that loses power now.
  std::vector<std::byte> after_crash(std::mt19937_64& random) {
    MemoryFile crashed("crashed", durable());
    for (const auto& [offset, bytes] : unsynced_) {
      if (random() % 2) must(crashed.write(offset, bytes));
    }
    return content(crashed);
  }
  /// Called after every write: the machine may lose power just there, with all before it on disk.
  std::function<void()> after_write;

  void begin_with(std::span<const std::byte> bytes) {
    must(MemoryFile::write(0, bytes));
    must(durable_.write(0, bytes));
  }
  std::vector<std::byte> durable() const { return content(durable_); }

 private:
  static std::vector<std::byte> content(const MemoryFile& file) {
    std::vector<std::byte> bytes(*file.size());
    must(file.read(0, bytes));
    return bytes;
  }
  struct Write {
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };
  MemoryFile durable_{"durable"};
  std::vector<Write> unsynced_;
};

}  // namespace

TEST_SUITE("qcow2 in place") {
  TEST_CASE("random changes to random images keep bytes and structure") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    const unsigned cases = case_count(40);
    for (unsigned seed = 1; seed <= cases; ++seed) {
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      TemporaryFolder folder;
      std::string backing;
      if (random() % 3 == 0) {
        if (make_random_image(folder, "base", "", random).path.empty()) continue;
        if (run_command({"qemu-img", "check", folder / "base"}).status == 2) continue;
        backing = "base";
      }
      const RandomImage image = make_random_image(folder, "disk", backing, random);
      CAPTURE(image.options);
      CAPTURE(image.steps);
      if (random() % 3 == 0) run_command({"qemu-img", "snapshot", "-c", "kept", image.path});
      if (!sound_or_leaking(image.path)) continue;
      const auto snapshots = must(must(open_disk(image.path, opening(false)))->info()).snapshots;
      std::vector<std::byte> kept;
      auto kept_options = opening(false);
      kept_options.snapshot = "kept";
      if (!snapshots.empty()) kept = bytes_of(*must(open_disk(image.path, kept_options)));

      std::vector<std::byte> model = bytes_of(*must(open_disk(image.path, opening(false))));
      {
        const auto disk = must(open_disk(image.path, opening(true)));
        for (int n = 0; n < 25; ++n) {
          must(change(*disk, model, random));
          if (n % 8 == 0) CHECK(bytes_of(*disk) == model);
        }
        must(disk->commit());
      }
      CHECK(bytes_of(*must(open_disk(image.path, opening(false)))) == model);
      const auto check = run_command({"qemu-img", "check", image.path});
      CHECK_MESSAGE(check.status == 0, check.output);
      must_run({"qemu-img", "convert", "-O", "raw", image.path, folder / "raw"});
      CHECK(file_bytes(folder / "raw") == model);
      if (!snapshots.empty()) {
        CHECK(bytes_of(*must(open_disk(image.path, kept_options))) == kept);
      }
    }
  }

  TEST_CASE("a crash at any moment leaves a sound image of old and new bytes") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    const unsigned cases = case_count(20);
    for (unsigned seed = 1; seed <= cases; ++seed) {
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      TemporaryFolder folder;
      const RandomImage image = make_random_image(folder, "disk", "", random);
      CAPTURE(image.options);
      if (random() % 2) run_command({"qemu-img", "snapshot", "-c", "kept", image.path});
      if (!sound_or_leaking(image.path)) continue;
      auto file = std::make_shared<FragileFile>("fragile");
      file->begin_with(file_bytes(image.path));
      const auto disk = must(open_disk(file, opening(true)));
      std::vector<std::byte> model = bytes_of(*disk);
      std::vector<std::byte> flushed = model;
      ExtentSet touched;
      for (int n = 0; n < 20; ++n) {
        const std::uint64_t offset = random() % model.size();
        const std::uint64_t length =
            1 + random() % std::min<std::uint64_t>(model.size() - offset, 200000);
        const auto part = std::span(model).subspan(offset, length);
        touched.add({offset, length});
        if (random() % 3 == 0) {
          std::ranges::fill(part, std::byte{0});
          must(disk->zero({offset, length}));
        } else {
          fill_pattern(part, random());
          must(disk->write(offset, part));
        }
        if (random() % 3 == 0) {
          must(disk->flush());
          flushed = model;
          touched.clear();
        }
        const auto crashed = std::make_shared<MemoryFile>("crashed", file->after_crash(random));
        const auto survivor = must(open_disk(crashed, opening(false)));
        const CheckReport report = must(survivor->check());
        INFO((report.findings.empty() ? "" : report.findings.front()));
        CHECK(report.corrupt_units == 0);
        // What nobody touched since the last flush is as it was.
        const auto survived = bytes_of(*survivor);
        for (const Extent& extent : touched.gaps({0, model.size()})) {
          CHECK(std::ranges::equal(std::span(survived).subspan(extent.offset, extent.length),
                                   std::span(flushed).subspan(extent.offset, extent.length)));
        }
      }
    }
  }

  TEST_CASE("after every single write qemu-img check finds leaks at most") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    for (const char* options :
         {"cluster_size=512,refcount_bits=64", "cluster_size=4k,extended_l2=off",
          "cluster_size=16k,extended_l2=on", "compat=0.10,cluster_size=1k"}) {
      CAPTURE(options);
      TemporaryFolder folder;
      const std::string path = folder / "d";
      must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "1M"});
      must_run({"qemu-io", "-c", "write -P 1 0 100k", path});
      must_run({"qemu-img", "snapshot", "-c", "kept", path});
      auto file = std::make_shared<FragileFile>("fragile");
      file->begin_with(file_bytes(path));
      unsigned written = 0;
      file->after_write = [&] {
        ++written;
        std::vector<std::byte> now(*file->size());
        must(file->read(0, now));
        folder.write("cut", as_text(now));
        constexpr int kLeaks = 3;
        const auto check = run_command({"qemu-img", "check", folder / "cut"});
        CAPTURE(written);
        CHECK_MESSAGE((check.status == 0 || check.status == kLeaks), check.output);
      };
      {
        const auto disk = must(open_disk(file, opening(true)));
        must(disk->write(70000, pattern(9000, 1)));   // shared with the snapshot
        must(disk->write(500000, pattern(5000, 2)));  // new
        must(disk->zero({0, 40000}));
        must(disk->discard({500000, 5000}));
        must(disk->write(800000, pattern(3000, 3)));
        must(disk->commit());
      }
      file->after_write = nullptr;
      CHECK(written > 5);
      std::vector<std::byte> end(*file->size());
      must(file->read(0, end));
      folder.write("end", as_text(end));
      must_run({"qemu-img", "check", "-q", folder / "end"});
    }
  }

  TEST_CASE("an image that is dirty, corrupt, or kept by features unknown here is not written") {
    TemporaryFolder folder;
    const auto writing = [&](const BuiltImage& image) {
      return outcome(open_disk(folder.write("d", as_text(image.bytes)), opening(true)));
    };
    CHECK(writing(BuiltImage()) == "ok");
    for (const std::uint8_t bits : {1, 2, 3}) {
      BuiltImage image;
      image.put8(79, bits);
      CHECK(writing(image) == "Corrupt");
    }
    BuiltImage image;
    image.put8(95, 4);  // an autoclear bit that nobody knows yet
    CHECK(writing(image) == "UnsupportedFeature");
    CHECK(folder.read("d") == as_text(image.bytes));
  }

  TEST_CASE("the refcount table grows with the image") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    for (const char* options : {"cluster_size=512,refcount_bits=64", "cluster_size=512",
                                "cluster_size=512,refcount_bits=1", "cluster_size=4k"}) {
      CAPTURE(options);
      TemporaryFolder folder;
      const std::string path = folder / "d";
      must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "40M"});
      const auto data = pattern(16 << 20, 3);
      {
        const auto disk = must(open_disk(path, opening(true)));
        must(disk->write(1 << 20, data));
        must(disk->write(30 << 20, std::span(data).first(1 << 20)));
        must(disk->commit());
      }
      const auto check = run_command({"qemu-img", "check", path});
      CHECK_MESSAGE(check.status == 0, check.output);
      std::vector<std::byte> back(data.size());
      must(must(open_disk(path, opening(false)))->read(1 << 20, back));
      CHECK(back == data);
    }
  }

  TEST_CASE("enabled bitmaps record what is written, others stay as they are") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    const std::string path = folder / "d";
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", path, "1G"});
    must_run({"qemu-img", "bitmap", "--add", "-g", "4k", path, "kept"});
    must_run({"qemu-io", "-c", "write 1M 4k", path});
    must_run({"qemu-img", "bitmap", "--add", "-g", "64k", path, "coarse"});
    must_run({"qemu-img", "bitmap", "--add", path, "off"});
    must_run({"qemu-img", "bitmap", "--disable", path, "off"});
    {
      const auto disk = must(open_disk(path, opening(true)));
      must(disk->write(5000, pattern(1000, 1)));
      must(disk->zero({900 << 20, 1 << 20}));
      must(disk->flush());
      // What a crash would leave: the image itself is locked while it is written.
      std::filesystem::copy_file(path, folder / "crashed");
      const auto crashed = must(must(open_disk(folder / "crashed", opening(false)))->info());
      for (const BitmapInfo& bitmap : crashed.bitmaps) {
        CHECK(bitmap.consistent == !bitmap.enabled);
      }
      must(disk->commit());
    }
    {
      const auto disk = must(open_disk(path, opening(false)));
      CHECK(must(disk->bitmap("kept")) ==
            ExtentSet{{4096, 4096}, {1 << 20, 4096}, {900 << 20, 1 << 20}});
      CHECK(must(disk->bitmap("coarse")) == ExtentSet{{0, 64 << 10}, {900 << 20, 1 << 20}});
      CHECK(must(disk->bitmap("off")).empty());
    }
    const auto check = run_command({"qemu-img", "check", path});
    CHECK_MESSAGE(check.status == 0, check.output);
    // QEMU takes them up where we left them.
    must_run({"qemu-io", "-c", "write 2M 4k", path});
    CHECK(must(must(open_disk(path))->bitmap("kept")).contains({2 << 20, 4096}));
  }

  TEST_CASE("what would go stale is refused") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    const std::string path = folder / "d";
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", path, "1M"});
    CHECK(outcome(open_disk(path, opening(true))) == "ok");
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=" + (folder / "x"), path,
              "1M"});
    CHECK(outcome(open_disk(path, opening(true))) == "UnsupportedFeature");
  }
}
