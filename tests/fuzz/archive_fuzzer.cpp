// Tar headers over hostile bytes: members lie within the file, or an error says why not.
#include "base/checked.hpp"
#include "fuzz/fuzzer.hpp"
#include "io/memory_file.hpp"
#include "io/tar.hpp"

using namespace vmlift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const MemoryFile file("input", bytes);
  if (const auto members = list_tar(file, Limits{})) {
    for (const TarMember& member : *members) {
      if (!within(member.data.offset, member.data.length, size)) __builtin_trap();
    }
  }
  return 0;
}

Seeds seeds() { return archive_seeds(); }
