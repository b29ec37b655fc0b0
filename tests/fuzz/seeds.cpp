#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/bytes.hpp"
#include "fuzz/fuzzer.hpp"
#include "support/compress.hpp"
#include "support/patterns.hpp"
#include "support/tar_builder.hpp"
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

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// One disk with data, written zeros and holes, as the files it became.
void add_image(Seeds& seeds, const Format& format, CreateOptions options) {
  const fs::path folder =
      fs::temp_directory_path() / ("vmlift-seed-" + std::to_string(std::random_device{}()));
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
      const bool has_subformats = std::ranges::find(format->options, "subformat",
                                                    &FormatOption::name) != format->options.end();
      if (has_subformats) options.options["subformat"] = subformat.name;
      add_image(seeds, *format, options);
      options.compress = true;
      add_image(seeds, *format, options);
    }
  }
  return seeds;
}

Seeds archive_seeds() {
  using namespace vmlift::test;
  return {bytes_of(TarBuilder().file("x.ovf", std::string(512, 'd')).folder("sub/").finish()),
          bytes_of(TarBuilder().pax("path", "x.ovf").pax("size", "1").file("a", "d").finish()),
          bytes_of(TarBuilder().gnu_long_name(std::string(120, 'n')).file("a", "d").finish()),
          bytes_of(TarBuilder()
                       .header({.name = "big", .size_field = base256_size(512)})
                       .content(std::string(512, 'd'))
                       .finish())};
}

Seeds stream_seeds() {
  using namespace vmlift::test;
  Seeds seeds;
  for (const std::size_t size : {0, 100, 5000}) {
    const std::vector<std::byte> plain = pattern(size, size);
    for (const std::string& packed :
         {gzip_of(as_text(plain)), xz_of(as_text(plain)), zstd_of(as_text(plain))}) {
      seeds.push_back(bytes_of(packed));
      seeds.push_back(bytes_of(packed + packed));
    }
  }
  return seeds;
}

Seeds manifest_seeds() {
  return {bytes_of("SHA1(web.ovf)= " + std::string(40, 'a') + "\r\n"),
          bytes_of("SHA256 (a (1).vmdk) = " + std::string(64, 'B') +
                   "\nSHA-512(b)=" + std::string(128, '0') + "\n")};
}
