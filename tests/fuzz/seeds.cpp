#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/bytes.hpp"
#include "fuzz/fuzzer.hpp"
#include "support/patterns.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;
namespace fs = std::filesystem;

namespace {

std::vector<std::byte> content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// One disk with data, written zeros and holes, as the files it became.
void add_image(Seeds& seeds, const Format& format, CreateOptions options) {
  const fs::path folder = fs::temp_directory_path() / ("vmlift-seed-" + std::to_string(std::random_device{}()));
  fs::create_directory(folder);
  options.size = 1 << 20;
  if (auto disk = create_disk((folder / "disk").string(), format.name, options)) {
    const bool wrote = (*disk)->write(0, pattern(65536, 1)).has_value() &&
                       (*disk)->write(131072, pattern(131072, 2)).has_value() &&
                       (*disk)->commit().has_value();
    if (wrote) {
      for (const auto& entry : fs::directory_iterator(folder)) {
        seeds.push_back(content_of(entry.path()));
      }
    }
  }
  fs::remove_all(folder);
}

}  // namespace

Seeds image_seeds() {
  Seeds seeds;
  for (const Format* format : formats()) {
    for (const Subformat& subformat : format->subformats) {
      if (!subformat.create || !format->schemes.empty()) continue;
      CreateOptions options;
      const bool has_subformats =
          std::ranges::find(format->options, "subformat", &FormatOption::name) !=
          format->options.end();
      if (has_subformats) options.options["subformat"] = subformat.name;
      add_image(seeds, *format, options);
      options.compress = true;
      add_image(seeds, *format, options);
    }
  }
  return seeds;
}

Seeds archive_seeds() {
  const auto header = [](std::string name, std::string size, char type) {
    std::vector<std::byte> block(512);
    const auto put = [&](std::size_t at, std::string_view text) {
      std::ranges::copy(as_bytes(text), block.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, name);
    put(100, "0000644");
    put(124, size);
    put(148, "        ");
    put(156, std::string(1, type));
    put(257, std::string("ustar\0", 6) + "00");
    unsigned sum = 0;
    for (const std::byte byte : block) sum += static_cast<unsigned>(byte);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    put(148, std::string(text, 7));
    return block;
  };
  const auto archive = [](std::initializer_list<std::vector<std::byte>> blocks) {
    std::vector<std::byte> all;
    for (const auto& block : blocks) all.insert(all.end(), block.begin(), block.end());
    all.resize(all.size() + 1024);
    return all;
  };
  std::vector<std::byte> data(512, std::byte{'d'});
  std::vector<std::byte> pax(512);
  std::ranges::copy(as_bytes("14 path=x.ovf\n12 size=512\n"), pax.begin());
  std::vector<std::byte> base256 = header("big", std::string("\x80\0\0\0\0\0\0\0\0\0\2\0", 12), '0');
  return {archive({header("x.ovf", "00000001000", '0'), data}),
          archive({header("pax", "00000000032", 'x'), pax, header("a", "00000000001", '0'), data}),
          archive({header("././@LongLink", "00000000006", 'L'), data, header("a", "00000001000", '0'), data}),
          archive({base256, data})};
}
