// Every format of the table over hostile bytes: opened, described, mapped, read, checked. What
// must hold: no crash, no read out of bounds, bounded memory and time, an error or bytes.
#include <algorithm>

#include "fuzz/fuzzer.hpp"
#include "io/memory_file.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;

namespace {

constexpr std::uint64_t kLooked = 1 << 20;  // bytes read of a disk, at most
constexpr int kRuns = 256;                  // extents looked at

void exercise(const Disk& disk) {
  (void)disk.info();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(disk.size(), 128 << 10));
  std::uint64_t looked = 0;
  int runs = 0;
  for (std::uint64_t at = 0; at < disk.size() && runs < kRuns; ++runs) {
    const auto run = disk.extent(at, disk.size() - at);
    if (!run || run->length == 0 || run->offset != at || run->length > disk.size() - at) {
      if (run) __builtin_trap();  // an extent that goes nowhere would hang a copy
      break;
    }
    if (!run->zero && looked < kLooked) {
      const auto part = std::min<std::uint64_t>(run->length, buffer.size());
      (void)disk.read(at, std::span(buffer).first(part));
      looked += part;
    }
    at = run->end();
  }
  if (disk.capabilities().encoded_read) {
    (void)disk.read_encoded({0, std::min<std::uint64_t>(disk.size(), kLooked)},
                            [](const EncodedUnit&) -> Result<void> { return {}; });
  }
  (void)disk.check();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const Format* format : formats()) {
    if (!format->schemes.empty()) continue;
    if (format->probe != nullptr &&
        !format->probe(bytes.first(std::min<std::size_t>(size, 4096)))) {
      continue;
    }
    OpenOptions options{.format = std::string(format->name)};
    options.policy.references = OpenPolicy::References::deny;
    options.limits.metadata = 16 << 20;
    options.allow_corrupt = size % 2 == 0;
    if (auto disk = open_disk(std::make_shared<MemoryFile>("input", bytes), options)) {
      exercise(**disk);
    }
  }
  return 0;
}

Seeds seeds() { return image_seeds(); }
