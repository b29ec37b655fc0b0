// Images made by qemu-img and qemu-io, drawn at random: what a reader meets in the field.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace vmlift::test {

struct RandomImage {
  std::string path;
  std::string options;  ///< as given to qemu-img create
  std::uint64_t size = 0;
  std::string steps;  ///< the qemu-io commands that filled it
};

/// Makes `name` in the folder, over `backing` unless that is empty.
RandomImage make_random_image(const TemporaryFolder& folder, const std::string& name,
                              const std::string& backing, std::mt19937_64& random);

/// The number of random cases: VMLIFT_CASES in the environment, else `otherwise`.
unsigned case_count(unsigned otherwise);

/// Runs a command that has to succeed.
std::string must_run(const std::vector<std::string>& arguments);

/// Whole file.
std::vector<std::byte> file_bytes(const std::string& path);

}  // namespace vmlift::test
