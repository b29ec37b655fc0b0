// Disks of 62 TiB, nearly empty: what it costs to open one and to learn what lies where. The work
// is counted, so that the bound holds on any machine; memory and processor time are measured.
#include <doctest/doctest.h>
#include <time.h>

#include <algorithm>
#include <atomic>

#include "io/posix_file.hpp"
#include "io/source.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/peak_memory.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kSize = std::uint64_t{62} << 40;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kBlocks = 64;  // of data, all over the disk

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#elif defined(__has_feature)
constexpr bool kInstrumented = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kInstrumented = false;
#endif

/// Counts what is asked of a file.
class CountedFile : public File {
 public:
  explicit CountedFile(std::shared_ptr<File> file) : file_(std::move(file)) {}

  const std::string& path() const override { return file_->path(); }
  Result<std::uint64_t> size() const override { return file_->size(); }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) const override {
    ++calls;
    bytes += buffer.size();
    return file_->read_some(offset, buffer);
  }
  Result<Run> run(std::uint64_t offset, std::uint64_t length) const override {
    ++calls;
    return file_->run(offset, length);
  }
  std::optional<HostPlace> host(std::uint64_t offset) const override { return file_->host(offset); }

  mutable std::atomic<std::uint64_t> calls = 0;
  mutable std::atomic<std::uint64_t> bytes = 0;

 private:
  std::shared_ptr<File> file_;
};

double processor_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Kind {
  std::string format;
  std::map<std::string, std::string> options;
  std::uint64_t most_bytes;  ///< that opening and mapping may read
};

}  // namespace

TEST_SUITE("huge disks") {
  TEST_CASE("62 TiB open and map at once, in little memory") {
    // A VMDK's directory has 4 bytes for 32 MiB, 7.75 MiB in all; qcow2's 8 bytes for 512 MiB.
    for (const Kind& kind :
         {Kind{"qcow2", {}, 8 * kMiB}, Kind{"vmdk", {{"subformat", "monolithicSparse"}}, 10 * kMiB},
          Kind{"vmdk", {{"subformat", "streamOptimized"}}, 9 * kMiB}}) {
      CAPTURE(kind.format);
      TemporaryFolder folder;
      {
        const auto disk = must(
            create_disk(folder / "disk", kind.format, {.size = kSize, .options = kind.options}));
        const auto block = pattern(65536, 1);
        for (std::uint64_t n = 0; n < kBlocks; ++n) {
          must(disk->write(kSize / kBlocks * n / 65536 * 65536, block));
        }
        must(disk->commit());
      }
      double least = 1e9;
      for (int attempt = 0; attempt < 3; ++attempt) {
        const auto file = std::make_shared<CountedFile>(must(open_source(folder / "disk")));
        const PeakMemory memory;
        const double start = processor_milliseconds();
        const auto disk = must(open_disk(file, {.format = kind.format}));
        const auto map = must(disk->map());
        least = std::min(least, processor_milliseconds() - start);
        if (!kInstrumented) CHECK(memory.growth() < 32 * 1024);
        CHECK(std::ranges::count(map, true, &DiskExtent::data) == kBlocks);
        CHECK(file->bytes.load() < kind.most_bytes);
        CHECK(file->calls.load() < 3000);
        if (attempt == 0) {
          MESSAGE(kind.format << ": " << file->calls.load() << " calls, "
                              << file->bytes.load() / kMiB << " MiB read, memory grew by "
                              << memory.growth() / 1024 << " MiB");
        }
      }
      MESSAGE(kind.format << ": " << least << " ms of processor time");
      if (!kInstrumented) CHECK(least < 50);
    }
  }
}
