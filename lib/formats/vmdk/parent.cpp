#include "formats/vmdk/parent.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "formats/vmdk/encoding.hpp"

namespace vmlift::vmdk {
namespace {

/// The last component of a path of Windows or of Unix.
std::string_view last_component(std::string_view path) {
  return path.substr(path.find_last_of("/\\") + 1);
}

bool not_found_there(const Error& error) {
  return error.code() == ErrorCode::MissingExtent || error.code() == ErrorCode::ReferenceDenied;
}

Result<std::unique_ptr<Disk>> open_by_hint(References& references, const std::string& hint,
                                           const std::string& encoding) {
  const std::string name = to_utf8(hint, encoding).value_or(hint);
  auto parent = references.open_parent(name, "");
  if (parent || !not_found_there(parent.error())) return parent;
  const std::string beside(last_component(name));
  if (beside == name || beside.empty()) return parent;
  auto found = references.open_parent(beside, "");
  if (found || !not_found_there(found.error())) return found;
  return parent;
}

std::optional<std::string> cid_of(const DiskInfo& info) {
  const auto found =
      std::ranges::find(info.details, "cid", &std::pair<std::string, std::string>::first);
  if (found == info.details.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<std::shared_ptr<File>> open_named(References& references, const std::string& name,
                                         const std::string& encoding) {
  const std::string converted = to_utf8(name, encoding).value_or(name);
  auto file = references.open_file(converted, "extent");
  if (file || converted == name || file.error().code() != ErrorCode::MissingExtent) return file;
  auto as_written = references.open_file(name, "extent");
  return as_written ? std::move(as_written) : std::move(file);
}

Result<std::unique_ptr<Disk>> open_parent(const OpenRequest& request, const Descriptor& descriptor,
                                          std::vector<std::string>& warnings) {
  if (!descriptor.has_parent()) return std::unique_ptr<Disk>();
  auto parent = open_by_hint(request.references, descriptor.parent_hint, descriptor.encoding);
  if (!parent) {
    return std::unexpected(std::move(parent).error().during(
        fmt::format("the disk with CID {:08x} needs its parent with CID {:08x}", descriptor.cid,
                    descriptor.parent_cid)));
  }
  VMLIFT_TRY(const DiskInfo info, (*parent)->info());
  const auto cid = cid_of(info);
  if (!cid) {
    warnings.push_back("the parent has no CID: whether it is the right one was not checked");
  } else if (const std::string wanted = fmt::format("{:08x}", descriptor.parent_cid);
             *cid != wanted) {
    if (!request.options.allow_corrupt) {
      return fail(ErrorCode::Corrupt,
                  "the disk was made over a parent with CID {}, and '{}' has CID {}: it is another "
                  "disk or was changed since",
                  wanted, (*parent)->location(), *cid);
    }
    warnings.push_back(fmt::format("the parent's CID is {}, not {}", *cid, wanted));
  }
  return parent;
}

}  // namespace vmlift::vmdk
