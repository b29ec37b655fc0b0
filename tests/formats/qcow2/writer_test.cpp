// New images, judged by qemu-img: check finds nothing, compare finds the same bytes.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <random>

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

using Options = std::map<std::string, std::string>;

struct Content {
  std::uint64_t size;
  std::vector<Extent> data;
};

/// A raw file with data in the given places and holes elsewhere.
std::string raw_file(const TemporaryFolder& folder, const Content& content, unsigned seed) {
  const std::string path = folder / "source.raw";
  const auto disk = must(create_disk(path, "raw", {.size = content.size, .overwrite = true}));
  for (const Extent& extent : content.data) {
    must(disk->write(extent.offset, pattern(extent.length, seed + extent.offset)));
  }
  must(disk->commit());
  return path;
}

CopyReport convert_to_qcow2(const std::string& source, const std::string& target,
                            const Options& options, bool compress) {
  ConvertRequest request;
  request.source = source;
  request.source_options.format = "raw";
  request.target = target;
  request.target_format = "qcow2";
  request.target_options = {.options = options, .compress = compress, .overwrite = true};
  request.copy.verify = true;
  return must(convert(request));
}

void qemu_agrees(const std::string& raw, const std::string& qcow2) {
  const auto check = run_command({"qemu-img", "check", qcow2});
  CHECK_MESSAGE(check.status == 0, check.output);
  const auto compare = run_command({"qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, qcow2});
  CHECK_MESSAGE(compare.status == 0, compare.output);
}

std::string describe(const Options& options) {
  std::string text;
  for (const auto& [key, value] : options) text += key + "=" + value + " ";
  return text;
}

constexpr std::uint64_t operator""_M(unsigned long long number) { return number << 20; }

}  // namespace

TEST_SUITE("qcow2 writing") {
  TEST_CASE("every option gives an image that qemu-img finds sound and equal") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    const Content content{40_M + 512, {{0, 3_M}, {5_M + 4096, 70000}, {20_M, 4_M}, {40_M, 512}}};
    const std::string raw = raw_file(folder, content, 1);
    const std::vector<Options> cases = {
        {},
        {{"compat", "0.10"}},
        {{"cluster_size", "512"}},
        {{"cluster_size", "4k"}},
        {{"cluster_size", "2M"}},
        {{"compression_type", "zstd"}},
        {{"refcount_bits", "1"}},
        {{"refcount_bits", "2"}},
        {{"refcount_bits", "4"}},
        {{"refcount_bits", "8"}},
        {{"refcount_bits", "32"}},
        {{"refcount_bits", "64"}},
        {{"extended_l2", "on"}},
        {{"extended_l2", "on"}, {"cluster_size", "16k"}},
        {{"lazy_refcounts", "on"}},
        {{"cluster_size", "512"}, {"refcount_bits", "64"}},
    };
    for (const Options& options : cases) {
      for (const bool compress : {false, true}) {
        INFO(describe(options) << (compress ? "compressed" : "plain"));
        convert_to_qcow2(raw, folder / "t.qcow2", options, compress);
        qemu_agrees(raw, folder / "t.qcow2");
      }
    }
    for (const char* preallocation : {"metadata", "falloc", "full"}) {
      INFO(preallocation);
      convert_to_qcow2(raw, folder / "t.qcow2", {{"preallocation", preallocation}}, false);
      qemu_agrees(raw, folder / "t.qcow2");
    }
  }

  TEST_CASE("qemu-img info sees what was asked for") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    const std::string raw = raw_file(folder, {4_M, {{0, 1_M}}}, 4);
    const std::vector<std::pair<Options, std::string>> cases = {
        {{{"compat", "0.10"}}, "\"compat\": \"0.10\""},
        {{{"compat", "1.1"}}, "\"compat\": \"1.1\""},
        {{{"cluster_size", "2M"}}, "\"cluster-size\": 2097152"},
        {{{"compression_type", "zstd"}}, "\"compression-type\": \"zstd\""},
        {{{"refcount_bits", "1"}}, "\"refcount-bits\": 1,"},
        {{{"refcount_bits", "64"}}, "\"refcount-bits\": 64"},
        {{{"extended_l2", "on"}}, "\"extended-l2\": true"},
        {{{"lazy_refcounts", "on"}}, "\"lazy-refcounts\": true"},
    };
    for (const auto& [options, expected] : cases) {
      INFO(describe(options));
      convert_to_qcow2(raw, folder / "t.qcow2", options, false);
      const auto info = run_command({"qemu-img", "info", "--output=json", folder / "t.qcow2"});
      CHECK_MESSAGE(info.output.find(expected) != std::string::npos, info.output);
    }
    // Every cluster has its place; the room is taken from falloc on.
    for (const std::string preallocation : {"off", "metadata", "falloc", "full"}) {
      CAPTURE(preallocation);
      convert_to_qcow2(raw, folder / "t.qcow2", {{"preallocation", preallocation}}, false);
      const auto map = run_command({"qemu-img", "map", "--output=json", folder / "t.qcow2"});
      const bool placed = map.output.find("\"present\": false") == std::string::npos;
      CHECK_MESSAGE(placed == (preallocation != "off"), map.output);
      struct stat status{};
      ::stat((folder / "t.qcow2").c_str(), &status);
      const bool reserved = preallocation == "falloc" || preallocation == "full";
      CHECK((status.st_blocks * 512 >= 4 << 20) == reserved);
    }
  }

  TEST_CASE("a data file beside the image holds the guest's bytes at their places") {
    for (const Options& options :
         std::vector<Options>{{},
                              {{"data_file_raw", "on"}},
                              {{"cluster_size", "4096"}},
                              {{"extended_l2", "on"}, {"data_file_raw", "on"}},
                              {{"preallocation", "metadata"}},
                              {{"preallocation", "full"}, {"data_file_raw", "on"}}}) {
      INFO(describe(options));
      TemporaryFolder folder;
      const std::string raw = raw_file(folder, {4_M + 512, {{0, 100000}, {2_M, 1_M}}}, 9);
      Options with_file = options;
      with_file["data_file"] = "guest.data";
      convert_to_qcow2(raw, folder / "t.qcow2", with_file, false);
      CHECK(folder.names() == std::vector<std::string>{"guest.data", "source.raw", "t.qcow2"});
      CHECK(folder.read("guest.data") == folder.read("source.raw"));
      CHECK(std::filesystem::file_size(folder / "t.qcow2") < 500000);

      // Written in any order, zeroed and written again.
      const auto content = pattern(200000, 3);
      {
        const auto disk = must(
            create_disk(folder / "w.qcow2", "qcow2",
                        {.size = 1_M, .options = {{"data_file", "w.data"}}, .compress = false}));
        must(disk->write(600000, content));
        must(disk->write(0, content));
        must(disk->zero({0, 131072}));
        must(disk->zero({600000, 100}));
        std::vector<std::byte> back(200000);
        must(disk->read(600000, back));
        CHECK(std::ranges::equal(std::span(back).subspan(100), std::span(content).subspan(100)));
        must(disk->commit());
      }
      std::vector<std::byte> expected(1_M);
      std::ranges::copy(content, expected.begin());
      std::fill_n(expected.begin(), 131072, std::byte{0});
      std::ranges::copy(content, expected.begin() + 600000);
      std::fill_n(expected.begin() + 600000, 100, std::byte{0});
      OpenOptions beside;
      beside.policy.references = OpenPolicy::References::same_directory;
      const auto disk = must(open_disk(folder / "w.qcow2", beside));
      std::vector<std::byte> all(1_M);
      must(disk->read(0, all));
      CHECK(all == expected);
      CHECK(must(disk->check()).corrupt_units == 0);

      if (!have_command("qemu-img")) continue;
      // QEMU takes the name from its own folder on.
      for (const std::string command :
           {"qemu-img check -q t.qcow2", "qemu-img compare -f raw -F qcow2 source.raw t.qcow2",
            "qemu-img check -q w.qcow2"}) {
        const auto done = run_command({"sh", "-c", "cd " + folder.path() + " && " + command});
        CHECK_MESSAGE(done.status == 0, done.output);
      }
    }
  }

  TEST_CASE("a data file is refused where it cannot be") {
    TemporaryFolder folder;
    const auto creating = [&](const Options& options, bool compress = false) {
      return outcome(create_disk(folder / "t.qcow2", "qcow2",
                                 {.size = 1_M, .options = options, .compress = compress}));
    };
    CHECK(creating({{"data_file_raw", "on"}}) == "InvalidArgument");
    CHECK(creating({{"data_file", "d"}, {"compat", "0.10"}}) == "InvalidArgument");
    CHECK(creating({{"data_file", "d"}}, true) == "InvalidArgument");
    CHECK(creating({{"data_file", "../d"}}) == "InvalidArgument");
    CHECK(creating({{"data_file", "d"},
                    {"data_file_raw", "on"},
                    {"backing_file", "b"},
                    {"backing_fmt", "raw"}}) == "InvalidArgument");
    folder.write("d", "somebody else's");
    CHECK(creating({{"data_file", "d"}}) == "Exists");
    CHECK(folder.names() == std::vector<std::string>{"d"});
  }

  TEST_CASE("disks of any size are kept to the byte") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    for (const std::uint64_t size : {0ull, 1ull, 512ull, 1000ull, 65536ull, 65537ull, 1000001ull}) {
      CAPTURE(size);
      const std::string raw = raw_file(folder, {size, {{0, size}}}, 3);
      for (const bool compress : {false, true}) {
        convert_to_qcow2(raw, folder / "t.qcow2", {}, compress);
        qemu_agrees(raw, folder / "t.qcow2");
        CHECK(must(open_disk(folder / "t.qcow2"))->size() == size);
      }
    }
  }

  TEST_CASE("a sparse disk of 3 TiB takes a few clusters") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    const std::uint64_t size = std::uint64_t{3} << 40;
    const Content content{size, {{0, 100000}, {size / 2, 200000}, {size - 512, 512}}};
    const std::string raw = raw_file(folder, content, 5);
    for (const bool compress : {false, true}) {
      convert_to_qcow2(raw, folder / "t.qcow2", {}, compress);
      qemu_agrees(raw, folder / "t.qcow2");
      CHECK(std::filesystem::file_size(folder / "t.qcow2") < 2_M);
    }
  }

  TEST_CASE("zeros written to an overlay hide its parent") {
    if (!have_command("qemu-img")) return skip("qemu-img is absent");
    TemporaryFolder folder;
    const std::string parent = raw_file(folder, {4_M, {{0, 4_M}}}, 7);
    std::filesystem::rename(parent, folder / "parent.raw");
    const std::string raw = raw_file(folder, {4_M, {{0, 1_M}, {3_M + 4096, 8192}}}, 8);
    for (const char* compat : {"0.10", "1.1"}) {
      for (const char* extended : {"off", "on"}) {
        if (std::string(compat) == "0.10" && std::string(extended) == "on") continue;
        for (const bool compress : {false, true}) {
          INFO("compat=" << compat << " extended_l2=" << extended << " compress=" << compress);
          const Options options = {{"backing_file", "parent.raw"},
                                   {"backing_fmt", "raw"},
                                   {"compat", compat},
                                   {"extended_l2", extended}};
          const auto source = must(open_disk(raw, {.format = "raw"}));
          const auto target = must(create_disk(
              folder / "t.qcow2", "qcow2",
              {.size = 4_M, .options = options, .compress = compress, .overwrite = true}));
          must(copy_disk(*source, *target));
          qemu_agrees(raw, folder / "t.qcow2");
        }
      }
    }
  }
}
