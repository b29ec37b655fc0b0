// The Ceph cluster of these tests: started once for the program, with the first case that needs
// it. VMLIFT_TEST_CEPH_CONF names one that runs already.
#pragma once

#include <string>
#include <vector>

#include "support/command.hpp"

namespace vmlift::test {

/// Whether there is a cluster to test with; says why when there is none. Sets CEPH_CONF.
bool have_cluster();

/// Runs a command of Ceph's ("rbd", "ceph"); the test fails when it does.
std::string ceph(std::vector<std::string> command);

/// "rbd/NAME-RANDOM", a name nobody has used.
std::string fresh_image(const std::string& name);

/// The images of the pool.
std::vector<std::string> images();

}  // namespace vmlift::test
