#include "io/lock.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "io/descriptor.hpp"
#include "io/folder.hpp"
#include "io/source.hpp"
#include "support/command.hpp"
#include "support/outcome.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "support/vmdk/builders.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

/// Another program with the image open: its read locks on the bytes that QEMU uses.
class OtherProgram {
 public:
  OtherProgram(const std::string& path, std::initializer_list<off_t> bytes)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    for (const off_t at : bytes) {
      struct flock lock{};
      lock.l_type = F_RDLCK;
      lock.l_start = at;
      lock.l_len = 1;
      REQUIRE(::fcntl(descriptor_.get(), F_OFD_SETLK, &lock) == 0);
    }
  }

 private:
  Descriptor descriptor_;
};

// What QEMU 7.2 was seen to hold.
constexpr std::initializer_list<off_t> kQemuWriting = {100, 101, 103, 201, 203};
constexpr std::initializer_list<off_t> kQemuReading = {100, 201, 203};

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("an image that QEMU writes to is InUse, for readers too") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", "content");
    const OtherProgram qemu(path, kQemuWriting);
    CHECK(outcome(open_source(path)) == "InUse");
    CHECK(outcome(open_source(path, {.writable = true})) == "InUse");
    CHECK(outcome(HostFolder(folder.path()).open("disk.raw")) == "InUse");
  }

  TEST_CASE(
      "who says so reads an image that QEMU writes to, and what it refers to, but never writes") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk-flat.vmdk", std::string(512, 'x'));
    const OtherProgram qemu(path, kQemuWriting);
    CHECK(outcome(open_source(path, {.allow_in_use = true})) == "ok");
    CHECK(outcome(open_source(path, {.writable = true, .allow_in_use = true})) == "InUse");
    folder.write("disk.vmdk", vmdk_descriptor("vmfs", "RW 1 VMFS \"disk-flat.vmdk\""));
    OpenOptions options;
    CHECK(outcome(open_disk(folder / "disk.vmdk", options)) == "InUse");
    options.policy.allow_in_use = true;
    CHECK(outcome(open_disk(folder / "disk.vmdk", options)) == "ok");
    options.policy.references = OpenPolicy::References::under;
    options.policy.directory = folder.path();
    CHECK(outcome(open_disk(folder / "disk.vmdk", options)) == "ok");
  }

  TEST_CASE("an image that QEMU only reads can be read and not be written") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", "content");
    const OtherProgram qemu(path, kQemuReading);
    CHECK(outcome(open_source(path)) == "ok");
    CHECK(outcome(open_source(path, {.writable = true})) == "InUse");
  }

  TEST_CASE("readers do not disturb each other, and a lock ends with its file") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", "content");
    {
      const auto one = must(open_source(path));
      const auto two = must(open_source(path));
      CHECK(outcome(open_source(path, {.writable = true})) == "InUse");
    }
    const auto writer = must(open_source(path, {.writable = true}));
    CHECK(outcome(open_source(path)) == "InUse");
    CHECK(outcome(open_source(path, {.writable = true})) == "InUse");
  }

  TEST_CASE("a write lock over the whole file, as other programs set it, is InUse") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", std::string(4096, 'x'));
    const Descriptor other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock{};
    lock.l_type = F_WRLCK;  // from 0 to the end: l_len 0
    REQUIRE(::fcntl(other.get(), F_OFD_SETLK, &lock) == 0);
    CHECK(outcome(open_source(path)) == "InUse");
  }

  TEST_CASE("QEMU does not write to an image while vmlift reads it") {
    if (!have_command("qemu-io")) return skip("qemu-io is absent");
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", std::string(1 << 20, 'x'));
    const std::vector<std::string> writing = {"qemu-io", "-f", "raw", "-c", "write 0 64k", path};
    {
      const auto reader = must(open_source(path));
      const CommandResult refused = run_command(writing);
      CHECK(refused.status != 0);
      CHECK(refused.output.find("lock") != std::string::npos);
      CHECK(folder.read("disk.raw") == std::string(1 << 20, 'x'));
    }
    CHECK(run_command(writing).status == 0);
  }

  TEST_CASE("a file that is changed while it is open is noticed") {
    TemporaryFolder folder;
    const std::string path = folder.write("disk.raw", "content");
    const auto file = must(open_source(path));
    CHECK(outcome(file->unchanged()) == "ok");
    SUBCASE("in its size") {
      folder.write("disk.raw", "longer content");
      CHECK(outcome(file->unchanged()) == "SourceChanged");
    }
    SUBCASE("in its bytes") {
      // As a later writer would leave it; the clock may be too coarse to tell otherwise.
      const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
      REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
      CHECK(outcome(file->unchanged()) == "SourceChanged");
    }
    SUBCASE("not by reading or renaming it") {
      std::filesystem::rename(path, folder / "other.raw");
      CHECK(outcome(file->unchanged()) == "ok");
    }
  }
}
