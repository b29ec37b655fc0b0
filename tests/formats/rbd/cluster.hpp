// The Ceph cluster of these tests: started once for the program, with the first case that needs
// it. VMLIFT_TEST_CEPH_CONF names one that runs already.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/command.hpp"
#include "support/content.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::test {

/// Whether there is a cluster to test with; says why when there is none. Sets CEPH_CONF.
bool have_cluster();

/// Runs a command of Ceph's ("rbd", "ceph"); the test fails when it does.
std::string ceph(std::vector<std::string> command);

/// "rbd/NAME-RANDOM", a name nobody has used.
std::string fresh_image(const std::string& name);

/// The images of the pool.
std::vector<std::string> images();

/// What `rbd import` makes an image of, and `rbd export` gives of one.
void import_image(const std::string& image, const Content& content);
Content exported(const std::string& image);

/// How a disk of that size is created.
CreateOptions sized(std::uint64_t size);

}  // namespace vmlift::test
