// Drives a fuzzer without libFuzzer: its seeds as they are, then mutations of them. Every input
// lies in a buffer of exactly its size, so that a sanitizer sees each byte read too far. The
// random seed is printed; VMLIFT_FUZZ_SEED repeats a run, VMLIFT_FUZZ_RUNS makes it longer.
// Arguments are files with inputs to replay instead.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "fuzz/fuzzer.hpp"

namespace {

void run_one(const std::vector<std::byte>& input) {
  const auto exact = std::make_unique<std::uint8_t[]>(input.size());
  if (!input.empty()) std::memcpy(exact.get(), input.data(), input.size());
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

/// Numbers at which parsers break.
constexpr std::uint64_t kEdges[] = {0,
                                    1,
                                    0x7f,
                                    0xff,
                                    0x7fff,
                                    0xffff,
                                    0x7fffffff,
                                    0xffffffff,
                                    0x7fffffffffffffff,
                                    0xffffffffffffffff,
                                    1ull << 40};

void mutate(std::vector<std::byte>& input, std::mt19937_64& random) {
  if (input.empty()) return;
  // Headers and tables lie at the front and, for streams, at the back.
  const auto place = [&]() -> std::size_t {
    const std::size_t near = std::min<std::size_t>(input.size(), 2048);
    switch (random() % 4) {
      case 0:
        return random() % input.size();
      case 1:
        return input.size() - 1 - random() % near;
      default:
        return random() % near;
    }
  };
  for (unsigned left = 1 + random() % 4; left > 0; --left) {
    const std::size_t at = place();
    switch (random() % 5) {
      case 0:
        input[at] ^= static_cast<std::byte>(1u << random() % 8);
        break;
      case 1:
        input[at] = static_cast<std::byte>(random());
        break;
      case 2: {
        const std::uint64_t edge = kEdges[random() % std::size(kEdges)];
        const std::size_t width = std::min<std::size_t>(1u << random() % 4, input.size() - at);
        std::memcpy(input.data() + at, &edge, width);
        break;
      }
      case 3: {
        const std::size_t from = place();
        const std::size_t length =
            std::min({std::size_t{64}, input.size() - at, input.size() - from});
        std::memmove(input.data() + at, input.data() + from, length);
        break;
      }
      default:
        if (random() % 8 == 0) input.resize(1 + random() % input.size());
        return;
    }
  }
}

unsigned long number_from(const char* variable, unsigned long otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoul(text, nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    run_one({bytes, bytes + text.size()});
    std::printf("%s: survived\n", argv[i]);
  }
  if (argc > 1) return 0;

  const Seeds all = seeds();
  const unsigned long seed = number_from("VMLIFT_FUZZ_SEED", std::random_device{}());
  const unsigned long runs = number_from("VMLIFT_FUZZ_RUNS", 3000);
  std::printf("%zu seeds, %lu mutations, VMLIFT_FUZZ_SEED=%lu\n", all.size(), runs, seed);
  std::fflush(stdout);
  for (const auto& input : all) run_one(input);
  std::mt19937_64 random(seed);
  for (unsigned long i = 0; i < runs && !all.empty(); ++i) {
    std::vector<std::byte> input = all[random() % all.size()];
    mutate(input, random);
    run_one(input);
  }
  return all.empty() ? 1 : 0;
}
