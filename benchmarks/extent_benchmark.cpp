// The interval algebra: what a delta pass over a fragmented disk costs.
#include <benchmark/benchmark.h>

#include <random>

#include "vmlift/extent.hpp"

using namespace vmlift;

namespace {

ExtentSet scattered(std::int64_t count, std::uint64_t phase) {
  ExtentSet set;
  for (std::int64_t i = 0; i < count; ++i) {
    set.add(Extent{static_cast<std::uint64_t>(i) * 131072 + phase, 65536});
  }
  return set;
}

void add_in_order(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(scattered(state.range(0), 0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void add_at_random(benchmark::State& state) {
  std::mt19937_64 random(1);
  for (auto _ : state) {
    ExtentSet set;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      set.add(Extent{(random() % 1000000) * 65536, 65536});
    }
    benchmark::DoNotOptimize(set);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void intersect(benchmark::State& state) {
  const ExtentSet a = scattered(state.range(0), 0);
  const ExtentSet b = scattered(state.range(0), 32768);
  for (auto _ : state) benchmark::DoNotOptimize(a.intersection(b));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void find_gaps(benchmark::State& state) {
  const ExtentSet set = scattered(state.range(0), 0);
  const Extent window{0, static_cast<std::uint64_t>(state.range(0)) * 131072};
  for (auto _ : state) benchmark::DoNotOptimize(set.gaps(window));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

}  // namespace

BENCHMARK(add_in_order)->Range(1024, 1 << 20);
BENCHMARK(add_at_random)->Range(1024, 1 << 15);
BENCHMARK(intersect)->Range(1024, 1 << 20);
BENCHMARK(find_gaps)->Range(1024, 1 << 20);
