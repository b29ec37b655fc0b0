// Compressed units: what it costs to make them and to read them, on one processor and on all.
// VMLIFT_BENCHMARK_GUEST names a file of guest data, at least 32 MiB, to do it with.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "guest.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;

namespace {

constexpr std::uint64_t kSize = 32 << 20;

struct Kind {
  const char* name;
  const char* format;
  std::map<std::string, std::string> options;
};

const Kind kKinds[] = {
    {"qcow2 deflate", "qcow2", {}},
    {"qcow2 zstd", "qcow2", {{"compression_type", "zstd"}}},
    {"streamOptimized", "vmdk", {{"subformat", "streamOptimized"}}},
    {"streamOptimized fast", "vmdk", {{"subformat", "streamOptimized"}, {"compression", "fast"}}},
};

const std::vector<std::byte>& plain_bytes() {
  static const std::vector<std::byte> bytes = [] {
    const char* guest = std::getenv("VMLIFT_BENCHMARK_GUEST");
    if (!guest) return guest_bytes(kSize);
    std::vector<std::byte> read(kSize);
    std::ifstream(guest, std::ios::binary).read(reinterpret_cast<char*>(read.data()), kSize);
    return read;
  }();
  return bytes;
}

std::unique_ptr<Disk> create(const MemoryFolder& folder, const Kind& kind) {
  auto disk = create_disk(folder / "disk", kind.format,
                          {.size = kSize, .options = kind.options, .compress = true});
  return disk ? *std::move(disk) : nullptr;
}

void encode(benchmark::State& state, const Kind& kind) {
  const MemoryFolder folder;
  const auto disk = create(folder, kind);
  const auto encoder = disk ? disk->encoder() : nullptr;
  if (!encoder) return state.SkipWithError("this format does not compress");
  const auto& plain = plain_bytes();
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (auto _ : state) {
    const std::uint64_t at = in % kSize;
    auto unit = encoder->encode(at, std::span(plain).subspan(at, encoder->unit_size()));
    in += encoder->unit_size();
    out += unit->payload.empty() ? encoder->unit_size() : unit->payload.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(in));
  state.counters["ratio"] = benchmark::Counter(static_cast<double>(out) / static_cast<double>(in),
                                               benchmark::Counter::kAvgThreads);
}

void decode(benchmark::State& state, const Kind& kind) {
  const MemoryFolder folder;
  {
    const auto disk = create(folder, kind);
    const auto encoder = disk ? disk->encoder() : nullptr;
    if (!encoder) return state.SkipWithError("this format does not compress");
    const auto& plain = plain_bytes();
    for (std::uint64_t at = 0; at < kSize; at += encoder->unit_size()) {
      const auto unit = std::span(plain).subspan(at, encoder->unit_size());
      auto encoded = encoder->encode(at, unit);
      if (encoded->payload.empty()) {
        (void)disk->write(at, unit);
      } else {
        (void)disk->write_encoded(*encoded);
      }
    }
    if (!disk->commit()) return state.SkipWithError("the disk could not be completed");
  }
  const auto disk = open_disk(folder / "disk", {.format = kind.format});
  if (!disk) return state.SkipWithError("the disk could not be opened");
  std::vector<std::byte> buffer(1 << 20);
  std::uint64_t done = 0;
  for (auto _ : state) {
    (void)(*disk)->read(done % kSize, buffer);
    done += buffer.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(done));
}

const int registered = [] {
  for (const Kind& kind : kKinds) {
    const int all = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    for (const int threads : all == 1 ? std::vector{1} : std::vector{1, all}) {
      benchmark::RegisterBenchmark((std::string("encode ") + kind.name).c_str(), encode, kind)
          ->Threads(threads)
          ->UseRealTime();
      benchmark::RegisterBenchmark((std::string("decode ") + kind.name).c_str(), decode, kind)
          ->Threads(threads)
          ->UseRealTime();
    }
  }
  return 0;
}();

}  // namespace
