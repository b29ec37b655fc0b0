#include "io/target.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.hpp"
#include "support/temporary_folder.hpp"

using namespace vmlift;

namespace {
std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
}  // namespace

TEST_SUITE("targets") {
  TEST_CASE("a target has no name until it is published") {
    TemporaryFolder folder;
    auto target = create_target(folder / "disk.raw", false);
    REQUIRE(target.has_value());
    REQUIRE((*target)->write(0, as_bytes("content")).has_value());
    CHECK(folder.names().empty());
    REQUIRE((*target)->publish().has_value());
    CHECK(folder.names() == std::vector<std::string>{"disk.raw"});
    CHECK(content_of(folder / "disk.raw") == "content");
  }

  TEST_CASE("a target that is given up leaves nothing") {
    TemporaryFolder folder;
    {
      auto target = create_target(folder / "disk.raw", false);
      REQUIRE(target.has_value());
      REQUIRE((*target)->write(0, as_bytes("half")).has_value());
      REQUIRE((*target)->extra("disk-s001.raw").has_value());
    }
    CHECK(folder.names().empty());
  }

  TEST_CASE("an existing target is refused before anything is written") {
    TemporaryFolder folder;
    std::ofstream(folder / "disk.raw") << "old";
    auto target = create_target(folder / "disk.raw", false);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code() == ErrorCode::Exists);
  }

  TEST_CASE("a name taken while the target was written is not overwritten") {
    TemporaryFolder folder;
    auto target = create_target(folder / "disk.raw", false);
    REQUIRE(target.has_value());
    std::ofstream(folder / "disk.raw") << "somebody else's";
    auto published = (*target)->publish();
    REQUIRE_FALSE(published.has_value());
    CHECK(published.error().code() == ErrorCode::Exists);
    CHECK(content_of(folder / "disk.raw") == "somebody else's");
  }

  TEST_CASE("with overwrite the old file stays whole until the new one replaces it") {
    TemporaryFolder folder;
    std::ofstream(folder / "disk.raw") << "old";
    auto target = create_target(folder / "disk.raw", true);
    REQUIRE(target.has_value());
    REQUIRE((*target)->write(0, as_bytes("new")).has_value());
    CHECK(content_of(folder / "disk.raw") == "old");
    REQUIRE((*target)->publish().has_value());
    CHECK(content_of(folder / "disk.raw") == "new");
    CHECK(folder.names().size() == 1);
  }

  TEST_CASE("the files of one target appear together") {
    TemporaryFolder folder;
    auto target = create_target(folder / "disk.vmdk", false);
    REQUIRE(target.has_value());
    auto extent = (*target)->extra("disk-flat.vmdk");
    REQUIRE(extent.has_value());
    REQUIRE((*extent)->write(0, as_bytes("bytes")).has_value());
    CHECK((*target)->pending("disk-flat.vmdk").has_value());
    CHECK(folder.names().empty());
    REQUIRE((*target)->publish().has_value());
    CHECK(folder.names() == std::vector<std::string>{"disk-flat.vmdk", "disk.vmdk"});
  }

  TEST_CASE("when one of several names is taken, none of the others appears") {
    TemporaryFolder folder;
    auto target = create_target(folder / "disk.vmdk", false);
    REQUIRE(target.has_value());
    REQUIRE((*target)->extra("disk-flat.vmdk").has_value());
    std::ofstream(folder / "disk.vmdk") << "taken";
    CHECK_FALSE((*target)->publish().has_value());
    CHECK(folder.names() == std::vector<std::string>{"disk.vmdk"});
  }

  TEST_CASE("when an image of several files cannot be replaced whole, the old one is whole again") {
    TemporaryFolder folder;
    std::ofstream(folder / "disk-flat.vmdk") << "old bytes";
    std::ofstream(folder / "disk.vmdk") << "old descriptor";
    auto target = create_target(folder / "disk.vmdk", true);
    REQUIRE(target.has_value());
    for (const char* name : {"disk-flat.vmdk", "disk-new.vmdk"}) {
      auto extent = (*target)->extra(name);
      REQUIRE(extent.has_value());
      REQUIRE((*extent)->write(0, as_bytes("new")).has_value());
    }
    // Meanwhile somebody puts a folder where the last name belongs.
    std::filesystem::remove(folder / "disk.vmdk");
    std::filesystem::create_directory(folder / "disk.vmdk");
    CHECK_FALSE((*target)->publish().has_value());
    target->reset();
    CHECK(folder.names() == std::vector<std::string>{"disk-flat.vmdk", "disk.vmdk"});
    CHECK(content_of(folder / "disk-flat.vmdk") == "old bytes");
  }

  TEST_CASE("an image of several files is replaced without a trace") {
    TemporaryFolder folder;
    std::ofstream(folder / "disk-flat.vmdk") << "old bytes";
    std::ofstream(folder / "disk.vmdk") << "old descriptor";
    auto target = create_target(folder / "disk.vmdk", true);
    REQUIRE(target.has_value());
    REQUIRE((*target)->extra("disk-flat.vmdk").has_value());
    REQUIRE((*target)->publish().has_value());
    CHECK(folder.names() == std::vector<std::string>{"disk-flat.vmdk", "disk.vmdk"});
    CHECK(content_of(folder / "disk-flat.vmdk").empty());
  }

  TEST_CASE("a write beyond the process's file size limit is NoSpace, not a signal") {
    TemporaryFolder folder;
    rlimit old{};
    ::getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{1 << 20, old.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    auto target = create_target(folder / "disk.raw", false);
    ::setrlimit(RLIMIT_FSIZE, &old);
    REQUIRE(target.has_value());
    auto written = (*target)->write(1 << 20, as_bytes("x"));
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().code() == ErrorCode::NoSpace);
  }

  TEST_CASE("a folder that does not exist is told by its name") {
    auto target = create_target("/nonexistent-folder/disk.raw", false);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code() == ErrorCode::NotFound);
    CHECK(target.error().path() == "/nonexistent-folder");
  }
}
