// Manifests over hostile bytes: entries with a name and a digest of the right length, or an error.
#include "base/bytes.hpp"
#include "fuzz/fuzzer.hpp"
#include "vmlift/package.hpp"

using namespace vmlift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto manifest = Manifest::parse(as_text(bytes), "input.mf")) {
    for (const ManifestEntry& entry : manifest->entries) {
      if (entry.file.empty() || entry.digest.size() < 40) __builtin_trap();
    }
  }
  return 0;
}

Seeds seeds() { return manifest_seeds(); }
