#include "support/fate.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "support/outcome.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/copy.hpp"

namespace vmlift::test {
namespace {

std::string converted(const std::string& path, const OpenOptions& options,
                      const std::string& target) {
  const auto disk = open_disk(path, options);
  if (!disk) return outcome(disk);
  if (const auto info = (*disk)->info(); !info) return outcome(info);
  return outcome(convert(
      {.source = path, .source_options = options, .target = target, .target_format = "raw"}));
}

}  // namespace

Bounds::~Bounds() {
  constexpr long kKiB = 64 * 1024;
  CHECK(std::chrono::steady_clock::now() - start_ < std::chrono::seconds(1));
  CHECK(memory_.growth() < kKiB);
}

std::string fate(const std::string& path, const OpenOptions& options) {
  TemporaryFolder results;
  const std::string result = [&] {
    if (options.policy.references == OpenPolicy::References::any) {
      const Bounds bounds;
      return converted(path, options, results / "out");
    }
    const Bounds bounds(std::filesystem::path(path).parent_path(), results.path());
    return converted(path, options, results / "out");
  }();
  CHECK(results.names().size() == (result == "ok" ? 1 : 0));
  return result;
}

}  // namespace vmlift::test
