#include "cluster.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

namespace vmlift::test {
namespace {

constexpr auto kStart = std::chrono::seconds(240);

/// Lives until the program ends, and the servers with it.
struct Cluster {
  TemporaryFolder folder;
  std::unique_ptr<Process> process;
  std::string configuration;
  std::string log;  // what its start has printed
  bool there = false;

  Cluster() {
    if (const char* const running = std::getenv("VMLIFT_TEST_CEPH_CONF")) {
      configuration = running;
      there = true;
    } else {
      const std::string home = folder / "ceph";
      process = std::make_unique<Process>(
          std::vector<std::string>{"python3", VMLIFT_CEPH_CLUSTER, home}, folder / "log");
      there = process->wait_until([&] { return std::filesystem::exists(home + "/ready"); }, kStart);
      configuration = home + "/ceph.conf";
      log = folder.read("log");
    }
    ::setenv("CEPH_CONF", configuration.c_str(), 1);
  }
};

}  // namespace

bool have_cluster() {
  for (const char* const program : {"ceph", "ceph-mon", "ceph-osd", "rbd"}) {
    if (have_command(program)) continue;
    skip(std::string(program) + " is absent");
    return false;
  }
  static const Cluster cluster;
  REQUIRE_MESSAGE(cluster.there, "the Ceph cluster did not start: ", cluster.log);
  return true;
}

std::string ceph(std::vector<std::string> command) {
  const CommandResult result = run_command(command);
  REQUIRE_MESSAGE(result.status == 0, command[0], " ", command[1], ": ", result.output);
  return result.output;
}

std::string fresh_image(const std::string& name) {
  static int count = 0;
  return "rbd/" + name + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

std::vector<std::string> images() {
  std::istringstream list(ceph({"rbd", "ls", "rbd"}));
  std::vector<std::string> names;
  for (std::string name; std::getline(list, name);) names.push_back(name);
  return names;
}

void import_image(const std::string& image, const Content& content) {
  TemporaryFolder folder;
  write_file(folder / "in", content);
  ceph({"rbd", "import", "--no-progress", folder / "in", image});
}

Content exported(const std::string& image) {
  TemporaryFolder folder;
  ceph({"rbd", "export", "--no-progress", image, folder / "out"});
  return read_file(folder / "out");
}

CreateOptions sized(std::uint64_t size) {
  CreateOptions options;
  options.size = size;
  return options;
}

}  // namespace vmlift::test
