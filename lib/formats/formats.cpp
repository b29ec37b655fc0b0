// The one table of formats. Detection, listing, creation, the bindings' enumeration, the
// conformance tests and the README's table all walk it. Explicit, not self-registered: a linker
// drops unreferenced registrars from a static library.
#include <algorithm>
#include <array>
#include <vector>

#include "base/fail.hpp"
#include "disk/check_limits.hpp"
#include "disk/check_target.hpp"
#include "disk/references.hpp"
#include "disk/reopen.hpp"
#include "formats/records.hpp"
#include "io/held_head.hpp"
#include "io/source.hpp"
#include "io/target.hpp"

namespace vmlift {
namespace {

// In the order of probing; raw claims nothing and comes last.
constexpr std::array kFormats = {&kQcow2Format, &kVmdkFormat, &kNbdFormat, &kRbdFormat,
                                 &kRawFormat};

constexpr std::size_t kProbeLength = 4096;

std::string format_names() {
  std::string names;
  for (const Format* format : kFormats) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", format->name);
  }
  return names;
}

/// The format whose scheme the location begins with ("nbd://host"), or nullptr.
const Format* format_of_scheme(std::string_view location) {
  const std::string_view scheme = location.substr(0, location.find(':'));
  if (scheme.size() == location.size()) return nullptr;
  for (const Format* format : kFormats) {
    if (std::ranges::find(format->schemes, scheme) != format->schemes.end()) return format;
  }
  return nullptr;
}

Result<const Format*> named_format(std::string_view name) {
  if (const Format* format = find_format(name)) return format;
  return fail(ErrorCode::InvalidArgument, "there is no format '{}'; the formats are {}", name,
              format_names());
}

Result<void> check_options(const Format& format, const std::map<std::string, std::string>& given,
                           bool opening) {
  std::string known;
  for (const FormatOption& option : format.options) {
    if (!opening || option.for_opening) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", option.name);
    }
  }
  for (const auto& [name, value] : given) {
    const auto found = std::ranges::find(format.options, name, &FormatOption::name);
    if (found == format.options.end() || (opening && !found->for_opening)) {
      return fail(ErrorCode::InvalidArgument, "format '{}' has no option '{}'{}; it has {}",
                  format.name, name, opening ? " for opening" : "", known.empty() ? "none" : known);
    }
  }
  return {};
}

/// The format that serves `location`, where that is a URI. What it serves is the guest's bytes:
/// they may be stated as raw, as the habit is, and as nothing else.
Result<const Format*> format_behind(std::string_view location, std::string_view stated) {
  const Format* const format = format_of_scheme(location);
  if (format == nullptr || stated.empty() || stated == "raw" || stated == format->name) {
    return format;
  }
  VMLIFT_CHECK(named_format(stated));
  return fail(ErrorCode::UnsupportedFeature,
              "'{}' is reached over {}, which holds a disk's bytes as they are; {} inside it is "
              "not supported",
              location, format->name, stated);
}

/// The format of a disk to be created at `location`, with options that it has.
Result<const Format*> format_to_create(std::string_view location, std::string_view stated,
                                       const CreateOptions& options) {
  VMLIFT_TRY(const Format* const server, format_behind(location, stated));
  VMLIFT_TRY(const Format* const format,
             server != nullptr ? Result<const Format*>(server) : named_format(stated));
  if (format->create == nullptr) {
    return fail(ErrorCode::UnsupportedFeature, "disks of format '{}' cannot be created",
                format->name);
  }
  VMLIFT_CHECK(check_limits(options.limits));
  VMLIFT_CHECK(check_options(*format, options.options, false));
  if (server == nullptr && !format->schemes.empty()) {
    return fail(ErrorCode::InvalidArgument, "'{}' is a path; a target of format '{}' is a URI",
                location, format->name);
  }
  return format;
}

Result<const Format*> probe_file(const File& file) {
  std::array<std::byte, kProbeLength> head{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, head));
  for (const Format* format : kFormats) {
    if (format->probe != nullptr && format->probe(std::span(head).first(got))) return format;
  }
  return std::unexpected(error(ErrorCode::UnsafeProbe,
                               "no format recognises it; a raw disk must be stated (-f raw), "
                               "because its guest could write any header")
                             .in(file.path()));
}

/// A device that a copy onto was interrupted says so in its first bytes.
Result<void> require_complete(const File& file) {
  std::array<std::byte, HeldHead::kMarkLength> start{};
  VMLIFT_TRY(const std::size_t got, file.read_some(0, start));
  if (!HeldHead::is_mark(std::span(start).first(got))) return {};
  return std::unexpected(error(ErrorCode::Incomplete,
                               "a copy onto it was interrupted; what it holds is of no use, copy "
                               "again")
                             .in(file.path()));
}

/// One image of a chain. `opened` collects the files of all of them.
Result<std::unique_ptr<Disk>> open_in_chain(const Format& format, std::shared_ptr<File> file,
                                            std::string location, const OpenOptions& options,
                                            std::vector<std::string> chain,
                                            std::shared_ptr<const Folder> beside,
                                            std::vector<std::shared_ptr<File>>& opened) {
  const ParentOpener open_parent = [&options, &opened](std::shared_ptr<File> parent,
                                                       const Format& parent_format,
                                                       const std::vector<std::string>& deeper) {
    OpenOptions parent_options = options;
    parent_options.writable = false;
    parent_options.snapshot.clear();
    parent_options.options.clear();
    const std::string path = parent->path();
    auto around = folder_around(*parent, options.policy.allow_in_use);
    return open_in_chain(parent_format, std::move(parent), path, parent_options, deeper,
                         std::move(around), opened);
  };
  VMLIFT_CHECK(check_options(format, options.options, true));
  PolicyReferences references(format, options.policy, location, std::move(beside), std::move(chain),
                              open_parent, opened);
  const OpenRequest request{std::move(file), location, options, references};
  auto backend = format.open(request);
  if (!backend) return std::unexpected(std::move(backend).error().in(location));
  if ((*backend)->size() > options.limits.virtual_size) {
    return std::unexpected(error(ErrorCode::Limit, "the disk claims {} bytes, allowed are {}",
                                 (*backend)->size(), options.limits.virtual_size)
                               .in(location));
  }
  return std::make_unique<Disk>(format, std::move(location), *std::move(backend), nullptr, opened);
}

Result<std::unique_ptr<Disk>> open_with(const Format& format, std::shared_ptr<File> file,
                                        std::string location, const OpenOptions& options,
                                        std::shared_ptr<const Folder> beside) {
  VMLIFT_CHECK(check_limits(options.limits));
  std::vector<std::shared_ptr<File>> opened;
  std::vector<std::string> chain;
  if (file != nullptr) {
    chain.push_back(identity_of(*file));
    opened.push_back(file);
  }
  return open_in_chain(format, std::move(file), std::move(location), options, std::move(chain),
                       std::move(beside), opened);
}

/// The files of a target that has no name yet, seen as the folder they will lie in.
class PendingFolder : public Folder {
 public:
  explicit PendingFolder(std::shared_ptr<TargetFile> target) : target_(std::move(target)) {}
  Result<std::shared_ptr<File>> open(std::string_view name) const override {
    return target_->pending(name);
  }

 private:
  std::shared_ptr<TargetFile> target_;
};

}  // namespace

std::span<const Format* const> formats() { return kFormats; }

const Format* find_format(std::string_view name) {
  const auto found =
      std::ranges::find_if(kFormats, [&](const Format* format) { return format->name == name; });
  return found == kFormats.end() ? nullptr : *found;
}

Result<std::unique_ptr<Disk>> open_disk(const std::string& location, const OpenOptions& options) {
  VMLIFT_TRY(const Format* const server, format_behind(location, options.format));
  if (server != nullptr) return open_with(*server, nullptr, location, options, nullptr);
  VMLIFT_TRY(auto file, open_source(location, source_options(options)));
  return open_disk(std::move(file), options);
}

Result<std::unique_ptr<Disk>> open_disk(std::shared_ptr<File> file, const OpenOptions& options) {
  VMLIFT_CHECK(require_complete(*file));
  VMLIFT_TRY(const Format* const format,
             options.format.empty() ? probe_file(*file) : named_format(options.format));
  std::string location = file->path();
  if (!format->schemes.empty()) {
    return fail(ErrorCode::InvalidArgument, "'{}' is a path; a disk of format '{}' is a URI",
                location, format->name);
  }
  auto beside = folder_around(*file, options.policy.allow_in_use);
  return open_with(*format, std::move(file), std::move(location), options, std::move(beside));
}

Result<std::unique_ptr<Disk>> reopen_target(const Format& format,
                                            std::shared_ptr<TargetFile> target) {
  OpenOptions options;
  options.policy.references = OpenPolicy::References::same_directory;
  std::string location = target->path();
  auto beside = std::make_shared<PendingFolder>(target);
  return open_with(format, std::move(target), std::move(location), options, std::move(beside));
}

Result<std::string> probe(const std::string& location) {
  if (const Format* format = format_of_scheme(location)) return std::string(format->name);
  VMLIFT_TRY(const auto file, open_source(location));
  VMLIFT_TRY(const Format* const format, probe_file(*file));
  return std::string(format->name);
}

Result<void> check_target(const std::string& location, std::string_view format_name,
                          const CreateOptions& options) {
  VMLIFT_TRY(const Format* const format, format_to_create(location, format_name, options));
  if (format->check_target != nullptr) {
    auto checked = format->check_target(CreateRequest{nullptr, location, options});
    if (!checked) return std::unexpected(std::move(checked).error().in(location));
    return {};
  }
  return check_vacant(location, options.overwrite);
}

Result<std::unique_ptr<Disk>> create_disk(const std::string& location, std::string_view format_name,
                                          const CreateOptions& options) {
  VMLIFT_TRY(const Format* const format, format_to_create(location, format_name, options));
  std::shared_ptr<TargetFile> file;
  if (format->schemes.empty()) {
    VMLIFT_TRY(file, create_target(location, options.overwrite));
  }
  auto backend = format->create(CreateRequest{file, location, options});
  if (!backend) return std::unexpected(std::move(backend).error().in(location));
  return std::make_unique<Disk>(*format, location, *std::move(backend), std::move(file));
}

}  // namespace vmlift
