#include "qemu_image.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "support/command.hpp"

namespace vmlift::test {

unsigned case_count(unsigned otherwise) {
  const char* const wanted = std::getenv("VMLIFT_CASES");
  return wanted ? static_cast<unsigned>(std::atoi(wanted)) : otherwise;
}

std::string must_run(const std::vector<std::string>& arguments) {
  const CommandResult result = run_command(arguments);
  if (result.status != 0) {
    std::string line;
    for (const std::string& argument : arguments) line += argument + " ";
    FAIL(line << "ended with " << result.status << ": " << result.output);
  }
  return result.output;
}

std::vector<std::byte> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chars((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> bytes(chars.size());
  std::ranges::transform(chars, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

RandomImage make_random_image(const TemporaryFolder& folder, const std::string& name,
                              const std::string& backing, std::mt19937_64& random) {
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  RandomImage image;
  image.path = folder / name;
  const bool version2 = draw(4) == 0;
  const unsigned cluster_bits = 9 + static_cast<unsigned>(draw(13));
  const std::uint64_t cluster = std::uint64_t{1} << cluster_bits;
  image.size = (draw(40) + 1) * cluster / 2 + draw(64) * 512;
  image.size = std::max<std::uint64_t>(512, image.size / 512 * 512);
  const bool extended = !version2 && cluster_bits >= 14 && draw(3) == 0;
  image.options = fmt::format("compat={},cluster_size={}", version2 ? "0.10" : "1.1", cluster);
  if (!version2) {
    image.options += fmt::format(",refcount_bits={},compression_type={},extended_l2={}",
                                 1u << draw(7), draw(2) ? "zlib" : "zstd", extended ? "on" : "off");
    if (draw(4) == 0) image.options += ",lazy_refcounts=on";
  }
  if (backing.empty() && draw(6) == 0) image.options += ",preallocation=metadata";

  std::vector<std::string> create = {"qemu-img", "create", "-q",         "-f",
                                     "qcow2",    "-o",     image.options};
  if (!backing.empty()) {
    create.insert(create.end(), {"-b", backing, "-F", "qcow2"});
  }
  create.insert(create.end(), {image.path, std::to_string(image.size)});
  must_run(create);

  const bool fits = image.size >= cluster;
  std::vector<std::string> io = {"qemu-io", "-f", "qcow2"};
  const auto perform = [&](const std::string& step) {
    io.insert(io.end(), {"-c", step});
    image.steps += "[" + step + "]";
  };
  const unsigned steps = 1 + static_cast<unsigned>(draw(12));
  for (unsigned step = 0; step < steps; ++step) {
    const std::uint64_t offset = draw(image.size / 512) * 512;
    const std::uint64_t length = std::min(image.size - offset, (1 + draw(3 * cluster / 512)) * 512);
    const std::uint64_t byte = 1 + draw(255);
    const std::uint64_t whole = fits ? draw(image.size / cluster) * cluster : 0;
    switch (draw(7)) {
      case 0:
      case 1:
      case 2:
        perform(fmt::format("write -P {} {} {}", byte, offset, length));
        break;
      case 3:
        if (fits) perform(fmt::format("write -c -P {} {} {}", byte, whole, cluster));
        break;
      case 4:
        perform(fmt::format("write -z {} {}", offset, length));
        break;
      case 5:
        perform(fmt::format("write -z -u {} {}", offset, length));
        break;
      default:
        perform(fmt::format("discard {} {}", offset, length));
    }
  }
  io.push_back(image.path);
  run_command(io);  // a compressed write with refcounts of 1 bit may fail: it is skipped then
  return image;
}

}  // namespace vmlift::test
