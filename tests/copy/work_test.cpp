// What a copy costs, counted and not timed: bytes and calls to the kernel, and the memory it
// holds. Times vary with the machine, work does not.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// The process's own reads and writes, as the kernel counts them.
struct Work {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

  static Work so_far() {
    Work work;
    std::ifstream io("/proc/self/io");
    for (std::string key; io >> key;) {
      std::uint64_t value = 0;
      io >> value;
      if (key == "rchar:") work.bytes_read = value;
      if (key == "wchar:") work.bytes_written = value;
      if (key == "syscr:") work.reads = value;
      if (key == "syscw:") work.writes = value;
    }
    return work;
  }

  Work since(const Work& start) const {
    return {bytes_read - start.bytes_read, bytes_written - start.bytes_written, reads - start.reads,
            writes - start.writes};
  }
};

struct Form {
  std::string format;
  std::map<std::string, std::string> options;
  bool compress = false;
};
const Form kRaw{"raw", {}};
const Form kQcow2{"qcow2", {}};
const Form kCompressedQcow2{"qcow2", {}, true};
const Form kStream{"vmdk", {{"subformat", "streamOptimized"}}, true};
const Form kSparse{"vmdk", {{"subformat", "monolithicSparse"}}};

Result<CopyReport> convert_form(const std::string& source, const Form& from,
                                const std::string& target, const Form& to) {
  return convert({.source = source,
                  .source_options = {.format = from.format},
                  .target = target,
                  .target_format = to.format,
                  .target_options = {.options = to.options, .compress = to.compress}});
}

constexpr std::uint64_t kSize = 64 * kMiB;
constexpr std::uint64_t kData = 32 * kMiB;

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

/// A disk half full, in the wanted form; of bytes that `fill(size, seed)` makes.
std::string make_source(TemporaryFolder& folder, const Form& form,
                        std::vector<std::byte> (*fill)(std::size_t, std::uint64_t) = pattern) {
  {
    auto raw = *create_disk(folder / "guest", "raw", {.size = kSize});
    for (std::uint64_t at = 0; at < kSize; at += 8 * kMiB) {
      (void)raw->write(at, fill(4 * kMiB, at + 1));
    }
    (void)raw->commit();
  }
  const auto made = convert_form(folder / "guest", kRaw, folder / "source", form);
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().describe()));
  return folder / "source";
}

std::uint64_t file_size(const std::string& path) { return std::filesystem::file_size(path); }

}  // namespace

TEST_SUITE("counted work") {
  TEST_CASE("each byte of a compressed source is read about once, in large reads") {
    for (const Form& form : {kStream, kCompressedQcow2}) {
      CAPTURE(form.format);
      TemporaryFolder folder;
      const std::string source = make_source(folder, form);
      const Work start = Work::so_far();
      REQUIRE(convert_form(source, form, folder / "target", kRaw).has_value());
      const Work work = Work::so_far().since(start);
      CHECK(work.bytes_read < file_size(source) * 11 / 10 + kMiB);
      CHECK(work.reads < kData / (256 * 1024) + 100);
      CHECK(work.bytes_written < kData * 11 / 10 + kMiB);
    }
  }

  TEST_CASE("compressed units move without being inflated, and are written in large writes") {
    TemporaryFolder folder;
    const std::string source = make_source(folder, kStream);
    const Work start = Work::so_far();
    const auto report = convert_form(source, kStream, folder / "target", kCompressedQcow2);
    REQUIRE(report.has_value());
    const Work work = Work::so_far().since(start);
    CHECK(report->encoded_bytes > report->data_bytes * 45 / 100);
    CHECK(work.bytes_read < file_size(source) * 11 / 10 + kMiB);
    CHECK(work.bytes_written < file_size(source) * 11 / 10 + kMiB);
    CHECK(work.writes < kData / (64 * 1024) + 100);
  }

  TEST_CASE("units that did not shrink are read once too, and written side by side") {
    TemporaryFolder folder;
    const std::string source = make_source(folder, kStream, random_bytes);
    const Work start = Work::so_far();
    const auto report = convert_form(source, kStream, folder / "target", kCompressedQcow2);
    REQUIRE(report.has_value());
    const Work work = Work::so_far().since(start);
    CHECK(report->encoded_bytes == 0);
    CHECK(work.bytes_read < file_size(source) * 11 / 10 + kMiB);
    CHECK(work.writes < kData / (512 * 1024) + 100);
    const auto guest = open_disk(folder / "guest", {.format = "raw"});
    const auto target = open_disk(folder / "target");
    CHECK_FALSE(compare_disks(**guest, **target).value().has_value());
  }

  TEST_CASE("plain bytes are not read where two files can share them") {
    for (const Form& form : {kRaw, kSparse}) {
      CAPTURE(form.format);
      TemporaryFolder folder;
      const std::string source = make_source(folder, form);
      const Work start = Work::so_far();
      const auto report = convert_form(source, form, folder / "target", kRaw);
      REQUIRE(report.has_value());
      if (report->shared_bytes == 0) {
        test::skip("files of this file system share nothing");
        continue;
      }
      CHECK(report->shared_bytes > kData * 9 / 10);
      CHECK(Work::so_far().since(start).bytes_read < kData / 10);
    }
  }

  TEST_CASE("a plain qcow2 gets one write for many clusters, tables once") {
    TemporaryFolder folder;
    const std::string source = make_source(folder, kCompressedQcow2);
    const Work start = Work::so_far();
    REQUIRE(convert_form(source, kCompressedQcow2, folder / "target", kQcow2).has_value());
    const Work work = Work::so_far().since(start);
    CHECK(work.writes < kData / (256 * 1024) + 100);
    CHECK(work.bytes_written < kData * 11 / 10 + kMiB);
  }

  TEST_CASE("a sparse terabyte is copied in the memory of its data, not of its size") {
    TemporaryFolder folder;
    const std::uint64_t size = std::uint64_t{1} << 40;
    {
      auto raw = *create_disk(folder / "guest", "raw", {.size = size});
      for (std::uint64_t at = 0; at < size; at += size / 16) {
        REQUIRE(raw->write(at, pattern(kMiB, at + 1)).has_value());
      }
      REQUIRE(raw->commit().has_value());
    }
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    for (const Form& form : {kRaw, kQcow2, kCompressedQcow2, kStream, kSparse}) {
      const std::string target = folder / (form.format + (form.compress ? "-c" : ""));
      std::filesystem::remove(target);
      const auto report = convert_form(folder / "guest", kRaw, target, form);
      REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().describe()));
      CHECK(report->data_bytes <= 16 * kMiB);
    }
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    CHECK((after.ru_maxrss - before.ru_maxrss) * 1024 < 128 * static_cast<long>(kMiB));
  }
}
