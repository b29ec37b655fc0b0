// What a backend answers to calls that its format does not have.
#include "base/fail.hpp"
#include "vmlift/format.hpp"

namespace vmlift {
namespace {
std::unexpected<Error> not_here(std::string_view what) {
  return fail(ErrorCode::UnsupportedFeature, "this disk cannot {}", what);
}
}  // namespace

Result<void> DiskBackend::read_ahead(const NextRange&, std::uint64_t, std::span<std::byte>,
                                     const BytesVisitor&) {
  return not_here("be read ahead");
}
Result<void> DiskBackend::read_encoded(Extent, const EncodedVisitor&) {
  return not_here("hand out compressed units");
}
Result<CheckReport> DiskBackend::check() {
  return not_here("be checked: its format has no structure to test");
}
Result<ExtentSet> DiskBackend::bitmap(std::string_view name) {
  return fail(ErrorCode::NotFound, "there is no bitmap '{}' in this disk", name);
}
Result<void> DiskBackend::write(std::uint64_t, std::span<const std::byte>) {
  return not_here("be written");
}
Result<void> DiskBackend::zero(Extent) { return not_here("be zeroed"); }
Result<void> DiskBackend::discard(Extent) { return {}; }
Result<void> DiskBackend::write_encoded(const EncodedUnit&) {
  return not_here("take compressed units");
}
Result<void> DiskBackend::add_bitmap(const BitmapInfo&, const ExtentSet&) {
  return not_here("hold bitmaps; a new qcow2 image of version 3 can");
}
Result<bool> DiskBackend::copy_from(HostPlace, Extent) { return false; }
Result<void> DiskBackend::flush() { return {}; }
Result<void> DiskBackend::complete() { return {}; }
Result<void> DiskBackend::publish() { return {}; }
Result<std::unique_ptr<DiskBackend>> DiskBackend::reopen() {
  return not_here("be read before it has its name");
}

Result<SnapshotInfo> DiskBackend::take_snapshot(const std::string&) {
  return not_here("take snapshots");
}
Result<void> DiskBackend::remove_snapshot(std::string_view) { return not_here("remove snapshots"); }
Result<void> DiskBackend::roll_back(std::string_view) { return not_here("be rolled back"); }
Result<void> DiskBackend::clone_snapshot(std::string_view, const std::string&) {
  return not_here("be cloned");
}
Result<ExtentSet> DiskBackend::changes_since(std::string_view) {
  return not_here("tell what changed since a snapshot");
}

}  // namespace vmlift
