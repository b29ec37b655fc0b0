// Existing images: qemu-img made them and says what they hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "formats/disk_bytes.hpp"
#include "qemu_image.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

OpenOptions beside() {
  OpenOptions options;
  options.format = "qcow2";
  options.policy.references = OpenPolicy::References::same_directory;
  return options;
}

/// A map by content: where zeros and data alternate. (qemu-img splits runs further: by whether room
/// is kept for zeros, and where stored data begins with a hole of the file.)
class ContentMap {
 public:
  void add(std::uint64_t length, bool data) {
    const std::string kind = data ? "data" : "zero";
    if (!runs_.empty() && runs_.back().second == kind) {
      runs_.back().first += length;
    } else {
      runs_.emplace_back(length, kind);
    }
  }
  std::string text() const {
    std::string text;
    for (const auto& [length, kind] : runs_) text += kind + ":" + std::to_string(length) + " ";
    return text;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::string>> runs_;
};

ContentMap qemu_map(const std::string& path) {
  const std::string json = must_run({"qemu-img", "map", "--output=json", path});
  ContentMap map;
  const auto field = [&](std::string_view line, std::string_view key) {
    const std::size_t at = line.find(key) + key.size() + 3;
    return std::string(line.substr(at, line.find_first_of(",}", at) - at));
  };
  for (std::size_t at = json.find('{'); at != std::string::npos; at = json.find('{', at + 1)) {
    const std::string_view line(json.data() + at, json.find('}', at) + 1 - at);
    map.add(std::stoull(field(line, "length")), field(line, "data") == "true");
  }
  return map;
}

/// QEMU 7.2 itself makes corrupt images now and then: a compressed cluster is discarded, its host
/// cluster used again, and packing goes on in it.
bool qemu_made_it_corrupt(const RandomImage& image) {
  if (run_command({"qemu-img", "check", image.path}).status != 2) return false;
  MESSAGE("corrupt as QEMU made it, passed over: " << image.options << " " << image.steps);
  return true;
}

}  // namespace

TEST_SUITE("qcow2 reading") {
  TEST_CASE("random images and chains read as qemu-img reads them") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    const unsigned cases = case_count(40);
    for (unsigned seed = 1; seed <= cases; ++seed) {
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      TemporaryFolder folder;
      RandomImage image;
      std::string backing;
      bool corrupt = false;
      for (unsigned depth = 0, last = static_cast<unsigned>(random() % 3); depth <= last; ++depth) {
        image = make_random_image(folder, "disk" + std::to_string(depth), backing, random);
        backing = "disk" + std::to_string(depth);
        corrupt |= qemu_made_it_corrupt(image);
      }
      if (corrupt) continue;
      CAPTURE(image.options);
      CAPTURE(image.steps);
      must_run({"qemu-img", "convert", "-O", "raw", image.path, folder / "raw"});
      const auto expected = file_bytes(folder / "raw");

      const auto disk = must(open_disk(image.path, beside()));
      REQUIRE(disk->size() == expected.size());
      CHECK(bytes_of(*disk) == expected);
      for (int n = 0; n < 20; ++n) {
        const std::uint64_t offset = random() % disk->size();
        std::vector<std::byte> part(1 + random() %
                                            std::min<std::uint64_t>(disk->size() - offset, 300000));
        must(disk->read(offset, part));
        CHECK(std::ranges::equal(part, std::span(expected).subspan(offset, part.size())));
      }
      // The map is truthful: zeros are zeros, plain data lies where it says.
      std::uint64_t at = 0;
      for (const DiskExtent& run : must(disk->map())) {
        REQUIRE(run.offset == at);
        at = run.end();
        const auto there = std::span(expected).subspan(run.offset, run.length);
        if (run.zero || !run.present)
          CHECK(std::ranges::all_of(there, [](auto b) { return b == std::byte{0}; }));
        if (run.host_offset) {
          std::vector<std::byte> stored(run.length);
          must(run.host_file->read(*run.host_offset, stored));
          CHECK(std::ranges::equal(stored, there));
        }
      }
      CHECK(at == disk->size());
      // Units taken over give the same disk.
      ConvertRequest request;
      request.source = image.path;
      request.source_options = beside();
      request.target = folder / "copy.qcow2";
      request.target_format = "qcow2";
      request.target_options.compress = true;
      if (random() % 2)
        request.target_options.options["cluster_size"] = std::to_string(512u << random() % 13);
      if (random() % 2) request.target_options.options["compression_type"] = "zstd";
      must(convert(request));
      CHECK(bytes_of(*must(open_disk(folder / "copy.qcow2"))) == expected);
      const auto check = run_command({"qemu-img", "check", folder / "copy.qcow2"});
      CHECK_MESSAGE(check.status == 0, check.output);
      const auto compare = run_command({"qemu-img", "compare", image.path, folder / "copy.qcow2"});
      CHECK_MESSAGE(compare.status == 0, compare.output);
    }
  }

  TEST_CASE("the map of an image without a parent is qemu-img's") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    for (unsigned seed = 1000; seed < 1000 + case_count(20); ++seed) {
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      TemporaryFolder folder;
      const RandomImage image = make_random_image(folder, "disk", "", random);
      CAPTURE(image.options);
      CAPTURE(image.steps);
      CAPTURE(image.size);
      if (qemu_made_it_corrupt(image)) continue;
      if (image.options.find("preallocation") != std::string::npos) continue;
      ContentMap ours;
      for (const DiskExtent& run : must(must(open_disk(image.path, beside()))->map())) {
        ours.add(run.length, run.data);
      }
      CHECK(ours.text() == qemu_map(image.path).text());
    }
  }
}
