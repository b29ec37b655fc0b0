#include "io/device_target.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <fstream>

#include "io/descriptor.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"

using namespace vmlift;

namespace {

/// A loop device over a new file; without a path where this machine gives none.
class LoopDevice {
 public:
  LoopDevice(const std::string& file, std::uint64_t size) {
    std::ofstream(file).put('x');
    std::filesystem::resize_file(file, size);
    Descriptor control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return;
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return;
    const std::string path = "/dev/loop" + std::to_string(number);
    backing_ = Descriptor(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    device_ = Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (device_ && ::ioctl(device_.get(), LOOP_SET_FD, backing_.get()) == 0) path_ = path;
  }
  ~LoopDevice() {
    if (!path_.empty()) ::ioctl(device_.get(), LOOP_CLR_FD, 0);
  }
  const std::string& path() const { return path_; }

 private:
  Descriptor backing_;
  Descriptor device_;
  std::string path_;
};

std::vector<std::byte> read_device(const std::string& path, std::uint64_t size) {
  std::vector<std::byte> bytes(size);
  auto disk = open_disk(path, {.format = "raw"});
  REQUIRE(disk.has_value());
  REQUIRE((*disk)->read(0, bytes).has_value());
  return bytes;
}

constexpr std::uint64_t kSize = 8 << 20;

}  // namespace

TEST_SUITE("block devices as targets") {
  TEST_CASE("a device gets the disk's bytes, zeros included, its first MiB last") {
    TemporaryFolder folder;
    LoopDevice device(folder / "backing", kSize);
    if (device.path().empty()) return test::skip("this machine gives no loop device");
    std::ofstream old(device.path(), std::ios::binary);
    old << std::string(kSize, 'o');
    old.close();

    auto content = pattern(kSize, 5);
    std::fill_n(content.begin() + (2 << 20), 1 << 20, std::byte{0});
    std::ofstream(folder / "source", std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), kSize);
    ConvertRequest request{.source = folder / "source",
                           .source_options = {.format = "raw"},
                           .target = device.path(),
                           .target_format = "raw",
                           .target_options = {.overwrite = true}};
    request.copy.verify = true;
    request.copy.before_commit = [&]() -> Result<void> {
      CHECK(test::outcome(open_disk(device.path(), {.format = "raw"})) == "Incomplete");
      CHECK(test::outcome(open_disk(device.path())) == "Incomplete");
      return {};
    };
    const auto report = convert(request);
    REQUIRE_MESSAGE(report.has_value(), report.error().describe());
    CHECK(read_device(device.path(), kSize) == content);
  }

  TEST_CASE("a device that a copy was interrupted on is Incomplete, and may be copied onto again") {
    TemporaryFolder folder;
    LoopDevice device(folder / "backing", kSize);
    if (device.path().empty()) return test::skip("this machine gives no loop device");
    const CreateOptions wanted{.size = kSize, .overwrite = true};
    {
      const auto disk = test::must(create_disk(device.path(), "raw", wanted));
      test::must(disk->write(0, pattern(3 << 20, 1)));
    }
    CHECK(test::outcome(open_disk(device.path(), {.format = "raw"})) == "Incomplete");
    const auto disk = test::must(create_disk(device.path(), "raw", wanted));
    test::must(disk->write(0, pattern(3 << 20, 1)));
    test::must(disk->commit());
    CHECK(read_device(device.path(), 3 << 20) == pattern(3 << 20, 1));
  }

  TEST_CASE("a device that is too small is NoSpace before a byte of it is touched") {
    TemporaryFolder folder;
    LoopDevice device(folder / "backing", kSize);
    if (device.path().empty()) return test::skip("this machine gives no loop device");
    std::ofstream(device.path(), std::ios::binary) << "precious";
    const auto disk = create_disk(device.path(), "raw", {.size = kSize + 512, .overwrite = true});
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().code() == ErrorCode::NoSpace);
    CHECK(read_device(device.path(), 8)[0] == std::byte{'p'});
  }

  TEST_CASE("without overwrite a device is never written") {
    TemporaryFolder folder;
    LoopDevice device(folder / "backing", kSize);
    if (device.path().empty()) return test::skip("this machine gives no loop device");
    const auto disk = create_disk(device.path(), "raw", {.size = kSize});
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().code() == ErrorCode::Exists);
  }

  TEST_CASE("a device that somebody holds is InUse") {
    TemporaryFolder folder;
    LoopDevice device(folder / "backing", kSize);
    if (device.path().empty()) return test::skip("this machine gives no loop device");
    Descriptor holder(::open(device.path().c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
    REQUIRE(static_cast<bool>(holder));
    const auto disk = create_disk(device.path(), "raw", {.size = kSize, .overwrite = true});
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().code() == ErrorCode::InUse);
  }
}
