#include "io/folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_folder.hpp"

using namespace vmlift;
namespace fs = std::filesystem;

TEST_SUITE("folders") {
  TEST_CASE("names inside the folder open") {
    TemporaryFolder outer;
    fs::create_directory(outer / "vm");
    fs::create_directory(outer / "vm/sub");
    std::ofstream(outer / "vm/a") << "1";
    std::ofstream(outer / "vm/sub/b") << "2";
    const HostFolder folder(outer / "vm");
    CHECK(folder.open("a").has_value());
    CHECK(folder.open("sub/b").has_value());
    CHECK(folder.open("sub/../a").has_value());
  }

  TEST_CASE("names that lead out are denied") {
    TemporaryFolder outer;
    fs::create_directory(outer / "vm");
    std::ofstream(outer / "secret") << "s";
    fs::create_symlink(outer / "secret", outer / "vm/link");
    fs::create_symlink("../secret", outer / "vm/relative-link");
    const HostFolder folder(outer / "vm");
    for (const std::string& name :
         {std::string("../secret"), outer / "secret", std::string("link"),
          std::string("relative-link"), std::string("../vm/../secret"), std::string("")}) {
      CAPTURE(name);
      const auto opened = folder.open(name);
      REQUIRE_FALSE(opened.has_value());
      CHECK(opened.error().code() == ErrorCode::ReferenceDenied);
    }
  }

  TEST_CASE("a FIFO or a folder is denied at once, without hanging") {
    TemporaryFolder folder;
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    fs::create_directory(folder / "sub");
    for (const char* name : {"pipe", "sub"}) {
      const auto opened = HostFolder(folder.path()).open(name);
      REQUIRE_FALSE(opened.has_value());
      CHECK(opened.error().code() == ErrorCode::ReferenceDenied);
    }
  }

  TEST_CASE("what is not there is NotFound") {
    TemporaryFolder folder;
    const auto opened = HostFolder(folder.path()).open("missing");
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == ErrorCode::NotFound);
  }

  TEST_CASE("the folder of a path and its last component") {
    CHECK(folder_of("a/b/c") == "a/b");
    CHECK(folder_of("c") == ".");
    CHECK(folder_of("/c") == "/");
    CHECK(base_name("a/b/c") == "c");
    CHECK(base_name("c") == "c");
  }
}
