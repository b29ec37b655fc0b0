// Real NBD servers for the tests, over Unix sockets in a folder that goes with the test.
#pragma once

#include <string>
#include <vector>

#include "support/command.hpp"
#include "support/content.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::test {

inline std::string nbd_uri(const std::string& socket, const std::string& name = "") {
  return "nbd+unix:///" + name + "?socket=" + socket;
}

/// nbdkit with these arguments; its URI is `uri`.
struct Nbdkit {
  Nbdkit(const TemporaryFolder& folder, std::vector<std::string> arguments,
         const std::string& name = "nbdkit")
      : socket(folder / (name + ".sock")),
        uri(nbd_uri(socket)),
        process(command(socket, std::move(arguments)), folder / (name + ".log")) {
    REQUIRE(process.wait_until([&] { return listens(socket); }));
  }

  static std::vector<std::string> command(const std::string& socket,
                                          std::vector<std::string> arguments) {
    std::vector<std::string> all = {"nbdkit", "-f", "-U", socket};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }

  std::string socket;
  std::string uri;
  Process process;
};

/// Data, a hole of 3 MiB, data: what a copy has to tell apart.
inline Content data_and_holes(std::uint64_t seed) {
  Content content = pattern(std::size_t{2} << 20, seed);
  content.resize(content.size() + (3 << 20));
  const Content more = pattern((1 << 20) + 512, seed + 1);
  content.insert(content.end(), more.begin(), more.end());
  return content;
}

inline OpenOptions patient_for(std::uint64_t seconds) {
  OpenOptions options;
  options.limits.io_timeout = seconds;
  return options;
}

}  // namespace vmlift::test
