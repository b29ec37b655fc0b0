// Other programs, run as oracles: no shell, arguments as they are.
#pragma once

#include <string>
#include <vector>

namespace vmlift::test {

struct CommandResult {
  int status = -1;     ///< the exit status; -1 when it was killed by a signal
  std::string output;  ///< standard output and standard error together
};

CommandResult run_command(const std::vector<std::string>& arguments);

/// Whether a program of that name is found on the PATH.
bool have_command(const std::string& name);

}  // namespace vmlift::test
