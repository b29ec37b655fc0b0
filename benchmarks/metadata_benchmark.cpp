// Opening and mapping: what it costs to learn what lies where on disks that are huge, and on
// disks that are full.
#include <benchmark/benchmark.h>

#include "guest.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;

namespace {

struct Kind {
  const char* format;
  const char* subformat;
};
constexpr Kind kKinds[] = {
    {"raw", ""}, {"qcow2", ""}, {"vmdk", "monolithicSparse"}, {"vmdk", "streamOptimized"}};

CreateOptions options_of(const Kind& kind, std::uint64_t size) {
  CreateOptions options{.size = size};
  if (*kind.subformat != '\0') options.options["subformat"] = kind.subformat;
  return options;
}

/// Every stride-th MiB of the disk holds a block of data.
bool make(const std::string& path, const Kind& kind, std::uint64_t size, std::uint64_t stride) {
  auto disk = create_disk(path, kind.format, options_of(kind, size));
  if (!disk) return false;
  const auto block = guest_bytes(65536);
  for (std::uint64_t at = 0; at + block.size() <= size; at += stride << 20) {
    if (!(*disk)->write(at, block)) return false;
  }
  return (*disk)->commit().has_value();
}

void open_and_map(benchmark::State& state, const Kind& kind, std::uint64_t size,
                  std::uint64_t stride) {
  const MemoryFolder folder;
  if (!make(folder / "disk", kind, size, stride)) {
    state.SkipWithError("this format does not create such a disk");
    return;
  }
  std::size_t runs = 0;
  for (auto _ : state) {
    auto disk = open_disk(folder / "disk", {.format = kind.format});
    runs = (*disk)->map()->size();
  }
  state.counters["runs"] = static_cast<double>(runs);
}

const int registered = [] {
  for (const Kind& kind : kKinds) {
    const std::string name = std::string(kind.format) + " " + kind.subformat;
    benchmark::RegisterBenchmark((name + " 1 TiB sparse").c_str(), open_and_map, kind,
                                 std::uint64_t{1} << 40, 8192)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((name + " 1 GiB full").c_str(), open_and_map, kind,
                                 std::uint64_t{1} << 30, 1)
        ->Unit(benchmark::kMillisecond);
  }
  return 0;
}();

}  // namespace
