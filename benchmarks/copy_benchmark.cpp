// Whole copies between files in memory: the engine with its threads, without a file system that
// waits for a disk.
#include <benchmark/benchmark.h>

#include "guest.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;

namespace {

constexpr std::uint64_t kSize = 256 << 20;

struct Path {
  const char* name;
  const char* source_format;
  std::map<std::string, std::string> source_options;
  bool source_compressed;
  const char* target_format;
  std::map<std::string, std::string> target_options;
  bool target_compressed;
};

const std::map<std::string, std::string> kStream = {{"subformat", "streamOptimized"}};

const Path kPaths[] = {
    {"raw to raw", "raw", {}, false, "raw", {}, false},
    {"raw to qcow2", "raw", {}, false, "qcow2", {}, false},
    {"raw to streamOptimized", "raw", {}, false, "vmdk", kStream, true},
    {"streamOptimized to raw", "vmdk", kStream, true, "raw", {}, false},
    {"streamOptimized to compressed qcow2", "vmdk", kStream, true, "qcow2", {}, true},
    {"compressed qcow2 to streamOptimized", "qcow2", {}, true, "vmdk", kStream, true},
};

/// Half of the disk is data, in blocks of 4 MiB.
bool make_source(const MemoryFolder& folder, const Path& path) {
  auto raw = create_disk(folder / "plain", "raw", {.size = kSize});
  const auto block = guest_bytes(4 << 20);
  for (std::uint64_t at = 0; at < kSize; at += 8 << 20) (void)(*raw)->write(at, block);
  if (!(*raw)->commit()) return false;
  ConvertRequest request{
      .source = folder / "plain",
      .source_options = {.format = "raw"},
      .target = folder / "source",
      .target_format = path.source_format,
      .target_options = {.options = path.source_options, .compress = path.source_compressed}};
  return convert(request).has_value();
}

void copy(benchmark::State& state, const Path& path) {
  const MemoryFolder folder;
  if (!make_source(folder, path)) return state.SkipWithError("the source cannot be made");
  ConvertRequest request{
      .source = folder / "source",
      .source_options = {.format = path.source_format},
      .target = folder / "target",
      .target_format = path.target_format,
      .target_options = {
          .options = path.target_options, .compress = path.target_compressed, .overwrite = true}};
  for (auto _ : state) {
    if (auto report = convert(request); !report) {
      return state.SkipWithError(report.error().describe().c_str());
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kSize));
}

const int registered = [] {
  for (const Path& path : kPaths) {
    benchmark::RegisterBenchmark(path.name, copy, path)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  return 0;
}();

}  // namespace
