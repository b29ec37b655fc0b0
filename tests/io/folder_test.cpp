#include "io/folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "old_kernel.hpp"
#include "support/outcome.hpp"
#include "support/skip.hpp"
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

  TEST_CASE("a kernel without openat2 denies no less") {
    TemporaryFolder outer;
    outer.write("secret", "s");
    outer.write("vm/a", "1");
    outer.write("vm/sub/b", "2");
    fs::create_symlink("../secret", outer / "vm/link");
    fs::create_symlink("..", outer / "vm/up");
    fs::create_symlink("a", outer / "vm/inner-link");
    REQUIRE(::mkfifo((outer / "vm/pipe").c_str(), 0600) == 0);
    const HostFolder folder(outer / "vm");
    std::vector<std::string> fates;
    const std::vector<std::string> names = {"a",          "sub/b", "./sub//b",  "../secret",
                                            "sub/../a",   "link",  "up/secret", "up",
                                            "inner-link", "pipe",  "sub",       "missing",
                                            "sub/c",      "a/b",   "/",         outer / "vm/a"};
    const bool filtered = test::on_old_kernel([&] {
      for (const std::string& name : names) fates.push_back(test::outcome(folder.open(name)));
    });
    if (!filtered) return test::skip("system calls cannot be filtered here");
    const std::string denied = "ReferenceDenied";
    // Stricter than openat2: no ".." and no links at all, not even such as stay inside.
    const std::vector<std::string> expected = {
        "ok",   "ok",   "ok",   denied,     denied,     denied,     denied, denied,
        denied, denied, denied, "NotFound", "NotFound", "NotFound", denied, denied};
    REQUIRE(fates.size() == expected.size());
    for (std::size_t n = 0; n < names.size(); ++n) {
      CAPTURE(names[n]);
      CHECK(fates[n] == expected[n]);
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
