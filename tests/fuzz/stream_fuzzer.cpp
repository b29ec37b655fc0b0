// Compressed streams over hostile bytes: they expand within their limits or an error says why not.
#include "codec/stream.hpp"
#include "fuzz/fuzzer.hpp"
#include "io/memory_file.hpp"
#include "io/spooled_file.hpp"

using namespace vmlift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto wrapping = wrapping_of_bytes(bytes);
  if (!wrapping) return 0;
  Limits limits;
  limits.expanded = 4 << 20;
  limits.decoder_memory = 16 << 20;
  const auto file =
      SpooledFile::create(std::make_shared<MemoryFile>("input", bytes), *wrapping, limits);
  if (!file) return 0;
  const auto expanded = (*file)->size();
  if (expanded && *expanded > limits.expanded) __builtin_trap();
  return 0;
}

Seeds seeds() { return stream_seeds(); }
