// Guest disks for the VMDK tests: data, zeros and holes in a random order.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"

namespace vmlift::test {

inline std::vector<std::byte> guest_disk(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> bytes(size);
  std::mt19937_64 random(seed);
  for (std::size_t at = 0; at < size;) {
    const std::size_t run = std::min<std::size_t>(size - at, (1 + random() % 40) * 4096);
    if (random() % 2 == 0) fill_pattern(std::span(bytes).subspan(at, run), random());
    at += run;
  }
  return bytes;
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// `qemu-img convert` of `bytes` into a VMDK with `options`; its path.
inline std::string qemu_made(const TemporaryFolder& folder, const std::string& options,
                             std::span<const std::byte> bytes) {
  const std::string raw = folder.write("disk.raw", text_of(bytes));
  const auto made = run_command(
      {"qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", options, raw, folder / "disk.vmdk"});
  REQUIRE_MESSAGE(made.status == 0, made.output);
  return folder / "disk.vmdk";
}

/// What qemu-img reads from a VMDK.
inline std::string qemu_reads(const TemporaryFolder& folder, const std::string& path) {
  const auto read =
      run_command({"qemu-img", "convert", "-f", "vmdk", "-O", "raw", path, folder / "by-qemu.raw"});
  REQUIRE_MESSAGE(read.status == 0, read.output);
  return folder.read("by-qemu.raw");
}

}  // namespace vmlift::test
