// One suite for every format of the table: what is written is what is read, by vmlift and by
// qemu-img; the map tells the truth; the structure is clean. A format is tested the day it is
// listed. VMLIFT_CONFORMANCE_CASES sets the number of random cases of each test.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "support/command.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;
using test::have_command;
using test::run_command;

namespace {

using Random = std::mt19937_64;
using Content = std::vector<std::byte>;
using Options = std::map<std::string, std::string>;

/// One way to create a disk: what the random cases draw from.
struct Variant {
  const Format* format;
  Subformat subformat;
};

/// All that can be created and is what a test is about.
template <class Wanted>
std::vector<Variant> variants_that(Wanted wanted) {
  std::vector<Variant> variants;
  for (const Format* format : formats()) {
    if (!format->schemes.empty()) continue;
    for (const Subformat& subformat : format->subformats) {
      const Variant variant{format, subformat};
      if (subformat.create && wanted(variant)) variants.push_back(variant);
    }
  }
  return variants;
}
bool any(const Variant&) { return true; }
bool written_in_place(const Variant& variant) { return variant.subformat.write; }

bool takes(const Format& format, std::string_view option) {
  return std::ranges::find(format.options, option, &FormatOption::name) != format.options.end();
}

template <class... T>
std::string one_of(Random& random, T... choices) {
  const std::string all[] = {choices...};
  return all[random() % sizeof...(choices)];
}

/// Options drawn for a variant. A format that knows an option of this name is given it.
Options draw_options(const Variant& variant, Random& random) {
  Options options;
  const bool v2 = variant.subformat.name == "v2";
  if (takes(*variant.format, "subformat")) options["subformat"] = variant.subformat.name;
  if (takes(*variant.format, "compat")) options["compat"] = v2 ? "0.10" : "1.1";
  const auto maybe = [&](const char* name, const std::string& value) {
    if (takes(*variant.format, name) && random() % 2 == 0) options[name] = value;
  };
  maybe("cluster_size", one_of(random, "512", "4096", "16384", "65536", "262144", "2097152"));
  maybe("preallocation", one_of(random, "off", "falloc", "full"));
  maybe("adapter_type", one_of(random, "ide", "lsilogic", "buslogic"));
  maybe("hwversion", one_of(random, "4", "13", "21"));
  maybe("zeroed_grain", "on");
  if (variant.format->name == "qcow2" && !v2) {
    maybe("refcount_bits", one_of(random, "1", "2", "8", "16", "32", "64"));
    maybe("compression_type", one_of(random, "zlib", "zstd"));
    maybe("lazy_refcounts", "on");
    const auto cluster = options.find("cluster_size");
    const bool small =
        cluster != options.end() && (cluster->second == "512" || cluster->second == "4096");
    if (!small) maybe("extended_l2", "on");
  }
  return options;
}

std::uint64_t draw_size(Random& random) {
  switch (random() % 6) {
    case 0:
      return (random() % 4) * 512;
    case 1:
      return random() % 100000;
    default:
      return random() % (6 << 20);
  }
}

std::string shown(const Options& options) {
  std::string text;
  for (const auto& [name, value] : options) text += name + "=" + value + ",";
  return text;
}

/// A file with data, zeros and holes; what a source disk of a random case holds.
Content draw_content(std::uint64_t size, Random& random) {
  Content content(size);
  for (unsigned i = 0; i < 6 && size > 0; ++i) {
    const std::uint64_t offset = random() % size;
    const std::uint64_t length = std::min<std::uint64_t>(random() % 400000, size - offset);
    fill_pattern(std::span(content).subspan(offset, length), random());
  }
  return content;
}

void write_file(const std::string& path, const Content& content) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()),
             static_cast<std::streamsize>(content.size()));
}

Content read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

/// The same bytes; a format or tool that counts in sectors may have rounded the end up.
bool same_guest(const Content& got, const Content& wanted) {
  if (got.size() < wanted.size() || got.size() > round_up(wanted.size(), 512)) return false;
  return std::equal(wanted.begin(), wanted.end(), got.begin()) &&
         all_zero(std::span(got).subspan(wanted.size()));
}

std::unique_ptr<Disk> reopened(const std::string& path, const Format& format) {
  auto disk = open_disk(path, {.format = std::string(format.name)});
  REQUIRE_MESSAGE(disk.has_value(), (disk ? "" : disk.error().describe()));
  return *std::move(disk);
}

void check_reads(const Disk& disk, const Content& wanted, Random& random) {
  Content whole(disk.size());
  const auto read = disk.read(0, whole);
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().describe()));
  REQUIRE(same_guest(whole, wanted));
  for (unsigned i = 0; i < 20 && disk.size() > 0; ++i) {
    const std::uint64_t offset = random() % disk.size();
    Content part(std::min<std::uint64_t>(random() % 200000, disk.size() - offset));
    REQUIRE(disk.read(offset, part).has_value());
    REQUIRE(
        std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)));
  }
}

void check_map(const Disk& disk, const Content& wanted) {
  const auto map = disk.map();
  REQUIRE(map.has_value());
  std::uint64_t at = 0;
  for (const DiskExtent& run : *map) {
    REQUIRE(run.offset == at);
    REQUIRE(run.length > 0);
    const std::uint64_t end = std::min<std::uint64_t>(run.end(), wanted.size());
    if (run.zero && run.offset < end) {
      REQUIRE(all_zero(std::span(wanted).subspan(run.offset, end - run.offset)));
    }
    at = run.end();
  }
  REQUIRE(at == disk.size());
}

void check_structure(const Disk& disk) {
  const auto report = disk.check();
  if (!report) {
    REQUIRE(report.error().code() == ErrorCode::UnsupportedFeature);
    return;
  }
  for (const std::string& finding : report->findings) MESSAGE(finding);
  REQUIRE(report->corrupt_units == 0);
  REQUIRE(report->leaked_units == 0);
}

/// What qemu-img makes of the image. False: it was not asked.
bool check_with_qemu(const std::string& path, const Format& format, const Content& wanted) {
  static const bool there = have_command("qemu-img");
  // qemu-img 7.2 ends in an assertion on a VMDK without extents.
  if (!there || (format.name == "vmdk" && wanted.empty())) return false;
  const std::string plain = path + ".plain";
  const auto converted = run_command(
      {"qemu-img", "convert", "-f", std::string(format.name), "-O", "raw", path, plain});
  REQUIRE_MESSAGE(converted.status == 0, converted.output);
  REQUIRE(same_guest(read_file(plain), wanted));
  if (format.name == "qcow2") {
    const auto checked = run_command({"qemu-img", "check", path});
    REQUIRE_MESSAGE(checked.status == 0, checked.output);
  }
  return true;
}

unsigned cases(unsigned otherwise) {
  const char* text = std::getenv("VMLIFT_CONFORMANCE_CASES");
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// Runs `test` for random draws over `variants` until `count` of them were judged by qemu-img too
/// (`test` says so), printing what is needed to repeat one.
template <class Test>
void for_random_variants(const std::vector<Variant>& variants, unsigned count, Test test) {
  const bool qemu = have_command("qemu-img");
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  Random random(seed);
  unsigned judged = 0;
  unsigned round = 0;
  for (; (qemu ? judged : round) < count; ++round) {
    const Variant& variant = variants[round % variants.size()];
    const Options options = draw_options(variant, random);
    const std::uint64_t size = draw_size(random);
    const std::string drawn = shown(options);
    CAPTURE(round);
    CAPTURE(variant.format->name);
    CAPTURE(variant.subformat.name);
    CAPTURE(drawn);
    CAPTURE(size);
    TemporaryFolder folder;
    if (test(variant, options, size, folder, random)) ++judged;
  }
  MESSAGE(round << " random cases were executed, " << judged << " of them judged by qemu-img too");
  if (!qemu) test::skip("qemu-img is absent: only vmlift has read the results");
}

/// Fills `folder`'s file "disk" with `content`.
ConvertRequest filled(const Variant& variant, const Options& options, const Content& content,
                      TemporaryFolder& folder, Random& random) {
  write_file(folder / "source", content);
  ConvertRequest request{.source = folder / "source",
                         .source_options = {.format = "raw"},
                         .target = folder / "disk",
                         .target_format = std::string(variant.format->name),
                         .target_options = {.options = options}};
  request.target_options.compress = variant.format->name == "qcow2" && random() % 2 == 0;
  if (request.target_options.compress) request.target_options.options.erase("preallocation");
  return request;
}

/// Reads `folder`'s file "disk" in every way there is. False: qemu-img was not asked.
bool check_result(const Variant& variant, const Content& wanted, TemporaryFolder& folder,
                  Random& random) {
  const auto disk = reopened(folder / "disk", *variant.format);
  check_reads(*disk, wanted, random);
  check_map(*disk, wanted);
  check_structure(*disk);
  return check_with_qemu(folder / "disk", *variant.format, wanted);
}

/// Whether a new disk may be written in any order: a small one is made to be asked.
bool in_any_order(const Variant& variant) {
  TemporaryFolder folder;
  Options options;
  if (takes(*variant.format, "subformat")) options["subformat"] = variant.subformat.name;
  const auto disk =
      create_disk(folder / "disk", variant.format->name, {.size = 512, .options = options});
  REQUIRE(disk.has_value());
  return !(*disk)->capabilities().ascending;
}

/// Random writes, zeros and discards, to the disk and to the model alike.
void scribble(Disk& disk, Content& model, Random& random) {
  for (unsigned i = 0; i < 25 && disk.size() > 0; ++i) {
    const std::uint64_t offset = random() % model.size();
    const std::uint64_t length = std::min<std::uint64_t>(random() % 150000, model.size() - offset);
    const auto part = std::span(model).subspan(offset, length);
    Result<void> done;
    switch (random() % 6) {
      case 0:
        done = disk.zero({offset, length});
        std::ranges::fill(part, std::byte{0});
        break;
      case 1: {
        // A discarded range may keep its bytes or read as zeros: only whole zeros are certain.
        std::ranges::fill(part, std::byte{0});
        done = disk.zero({offset, length});
        if (done) done = disk.discard({offset, length});
        break;
      }
      default:
        fill_pattern(part, random());
        done = disk.write(offset, part);
    }
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().describe()));
  }
}

}  // namespace

TEST_SUITE("conformance") {
  TEST_CASE("a copy into any format reads back the same, by vmlift and by qemu-img") {
    for_random_variants(
        variants_that(any), cases(800),
        [](const Variant& variant, const Options& options, std::uint64_t size,
           TemporaryFolder& folder, Random& random) {
          const Content content = draw_content(size, random);
          ConvertRequest request = filled(variant, options, content, folder, random);
          request.copy.threads = 1 + static_cast<unsigned>(random() % 4);
          request.copy.verify = random() % 4 == 0;
          const auto report = convert(request);
          REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().describe()));
          return check_result(variant, content, folder, random);
        });
  }

  TEST_CASE("random writes, zeros and discards into a new disk agree with an array of bytes") {
    // A stream is written by copies only.
    for_random_variants(variants_that(in_any_order), cases(500),
                        [](const Variant& variant, const Options& options, std::uint64_t size,
                           TemporaryFolder& folder, Random& random) {
                          Content model(size);
                          {
                            auto disk = create_disk(folder / "disk", variant.format->name,
                                                    {.size = size, .options = options});
                            REQUIRE_MESSAGE(disk.has_value(),
                                            (disk ? "" : disk.error().describe()));
                            scribble(**disk, model, random);
                            REQUIRE((*disk)->commit().has_value());
                          }
                          return check_result(variant, model, folder, random);
                        });
  }

  TEST_CASE("random writes into an existing disk agree with an array of bytes") {
    for_random_variants(
        variants_that(written_in_place), cases(400),
        [](const Variant& variant, const Options& options, std::uint64_t size,
           TemporaryFolder& folder, Random& random) {
          Content model = draw_content(size, random);
          REQUIRE(convert(filled(variant, options, model, folder, random)).has_value());
          {
            auto disk = open_disk(folder / "disk",
                                  {.format = std::string(variant.format->name), .writable = true});
            REQUIRE_MESSAGE(disk.has_value(), (disk ? "" : disk.error().describe()));
            scribble(**disk, model, random);
            REQUIRE((*disk)->flush().has_value());
          }
          return check_result(variant, model, folder, random);
        });
  }

  TEST_CASE("what qemu-img makes, vmlift reads") {
    if (!have_command("qemu-img")) return test::skip("qemu-img is absent");
    const std::vector<std::pair<std::string, std::vector<std::string>>> made = {
        {"qcow2", {}},
        {"qcow2", {"-o", "compat=0.10"}},
        {"qcow2", {"-o", "cluster_size=512"}},
        {"qcow2", {"-o", "cluster_size=2M"}},
        {"qcow2", {"-o", "refcount_bits=1"}},
        {"qcow2", {"-o", "extended_l2=on"}},
        {"qcow2", {"-o", "preallocation=metadata"}},
        {"qcow2", {"-c"}},
        {"qcow2", {"-c", "-o", "cluster_size=4096"}},
        {"qcow2", {"-c", "-o", "compression_type=zstd"}},
        {"vmdk", {}},
        {"vmdk", {"-o", "zeroed_grain=on"}},
        {"vmdk", {"-o", "subformat=monolithicFlat"}},
        {"vmdk", {"-o", "subformat=twoGbMaxExtentSparse"}},
        {"vmdk", {"-o", "subformat=twoGbMaxExtentFlat"}},
        {"vmdk", {"-o", "subformat=streamOptimized"}},
    };
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    Random random(seed);
    const unsigned count = cases(480);
    for (unsigned round = 0; round < count; ++round) {
      const auto& [format, options] = made[round % made.size()];
      if (find_format(format) == nullptr) continue;
      TemporaryFolder folder;
      // qemu-img 7.2 ends in an assertion on a VMDK without extents.
      const std::uint64_t least = format == "vmdk" ? 512 : 0;
      const std::uint64_t size = std::max(least, round_up(draw_size(random), 512));
      const Content content = draw_content(size, random);
      write_file(folder / "source", content);
      std::vector<std::string> command = {"qemu-img", "convert", "-f", "raw", "-O", format};
      command.insert(command.end(), options.begin(), options.end());
      command.push_back(folder / "source");
      command.push_back(folder / "disk");
      const auto result = run_command(command);
      REQUIRE_MESSAGE(result.status == 0, result.output);
      CAPTURE(round);
      CAPTURE(format);
      CAPTURE(options.size() < 2 ? std::string() : options.back());
      CAPTURE(content.size());
      const auto disk = reopened(folder / "disk", *find_format(format));
      REQUIRE(disk->size() == content.size());
      check_reads(*disk, content, random);
      check_map(*disk, content);
      check_structure(*disk);
    }
    MESSAGE(count << " images made by qemu-img were read");
  }
}
