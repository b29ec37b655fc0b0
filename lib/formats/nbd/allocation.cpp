#include "formats/nbd/allocation.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

constexpr std::string_view kContext = "base:allocation";

DiskExtent extent_of(const StatusRun& run, Extent window) {
  const std::uint64_t start = std::max(run.range.offset, window.offset);
  const bool hole = (run.flags & LIBNBD_STATE_HOLE) != 0;
  const bool zero = (run.flags & LIBNBD_STATE_ZERO) != 0;
  // A hole that is not known to be zero may read as anything: it has to be read.
  return {.offset = start,
          .length = std::min(run.range.end(), window.end()) - start,
          .present = zero || !hole,
          .zero = zero,
          .data = !hole};
}

}  // namespace

Allocation::Allocation(Server& server) : server_(server), known_(server.has_context(kContext)) {}

Result<DiskExtent> Allocation::at(std::uint64_t offset, std::uint64_t length) {
  const Extent window{offset, length};
  const DiskExtent all_data{.offset = offset, .length = length, .present = true, .data = true};
  std::lock_guard lock(mutex_);
  if (!known_) return all_data;
  if (runs_.empty() || offset < runs_.front().range.offset || offset >= runs_.back().range.end()) {
    auto runs = server_.status(kContext, offset);
    if (!runs) {
      // An answer with an error only says that the server cannot tell; no or a wrong answer
      // says that it cannot be trusted.
      const ErrorCode code = runs.error().code();
      const bool answered = code != ErrorCode::Protocol && code != ErrorCode::Timeout &&
                            code != ErrorCode::SourceChanged && runs.error().os_number() != 0;
      if (!answered) return std::unexpected(std::move(runs).error());
      known_ = false;
      runs_.clear();
      return all_data;
    }
    runs_ = *std::move(runs);
  }
  const auto run =
      std::ranges::upper_bound(runs_, offset, {}, [](const StatusRun& r) { return r.range.end(); });
  return extent_of(*run, window);
}

Result<bool> Allocation::all_zero() {
  const std::uint64_t size = server_.about().size;
  for (std::uint64_t offset = 0; offset < size;) {
    VMLIFT_TRY(const DiskExtent run, at(offset, size - offset));
    if (!run.zero) return false;
    offset = run.end();
  }
  return true;
}

void Allocation::forget() {
  std::lock_guard lock(mutex_);
  runs_.clear();
}

}  // namespace vmlift::nbd
