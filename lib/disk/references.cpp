#include "disk/references.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "io/source.hpp"

namespace vmlift {
namespace {

/// A protocol ("nbd:", "json:{") instead of a path: a colon before any slash.
bool names_a_protocol(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon != std::string_view::npos && colon < name.find('/');
}

}  // namespace

std::string identity_of(const File& file) {
  if (const auto place = file.host(0)) {
    struct stat status{};
    if (::fstat(place->descriptor, &status) == 0) {
      return fmt::format("{}:{}:{}", status.st_dev, status.st_ino, place->offset);
    }
  }
  return file.path();
}

Result<std::shared_ptr<File>> open_reference(const Reference& reference, const OpenPolicy& policy,
                                             bool beside_by_default, const Folder* beside) {
  using Kind = OpenPolicy::References;
  const std::string_view name = reference.name;
  const std::string what = fmt::format("the {} '{}'", reference.kind, printable(name));
  const auto denied = [&](std::string_view why) {
    return std::unexpected(
        error(ErrorCode::ReferenceDenied, "it names {}: {}", what, why).in(reference.location));
  };
  if (name.empty() ||
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    return denied("that is no file name");
  }
  if (names_a_protocol(name)) return denied("only paths are followed, never a protocol");

  Kind references = policy.references;
  if (references == Kind::by_format) {
    references = beside_by_default ? Kind::same_directory : Kind::deny;
  }
  if (references == Kind::deny || (references == Kind::same_directory && beside == nullptr)) {
    return denied(
        "references are denied; --references same-directory would allow this one if it "
        "lies beside the image");
  }
  Result<std::shared_ptr<File>> opened = [&]() -> Result<std::shared_ptr<File>> {
    if (references == Kind::under) {
      return HostFolder(policy.directory, policy.allow_in_use).open(name);
    }
    if (references == Kind::same_directory) return beside->open(name);
    // Anywhere, but beside the image first: that may be within an archive, which no path reaches.
    if (beside != nullptr) {
      if (auto found = beside->open(name)) return found;
    }
    const std::string path = name.front() == '/'
                                 ? std::string(name)
                                 : fmt::format("{}/{}", folder_of(reference.location), name);
    return open_source(path, {.allow_in_use = policy.allow_in_use});
  }();
  if (opened) return opened;
  if (opened.error().code() == ErrorCode::NotFound) {
    return std::unexpected(
        error(ErrorCode::MissingExtent, "{} does not exist", what).in(reference.location));
  }
  if (opened.error().code() == ErrorCode::ReferenceDenied) {
    return denied(opened.error().message());
  }
  return std::unexpected(std::move(opened).error().during("opening " + what));
}

PolicyReferences::PolicyReferences(const Format& format, const OpenPolicy& policy,
                                   std::string location, std::shared_ptr<const Folder> beside,
                                   std::vector<std::string> chain, ParentOpener open_parent,
                                   std::vector<std::shared_ptr<File>>& opened)
    : format_(format),
      policy_(policy),
      location_(std::move(location)),
      beside_(std::move(beside)),
      chain_(std::move(chain)),
      open_parent_(std::move(open_parent)),
      opened_(opened) {}

Result<std::shared_ptr<File>> PolicyReferences::open_file(std::string_view name,
                                                          std::string_view kind) {
  auto file =
      open_reference({name, kind, location_}, policy_, format_.references_beside, beside_.get());
  if (file) opened_.push_back(*file);
  return file;
}

Result<std::unique_ptr<Disk>> PolicyReferences::open_parent(std::string_view name,
                                                            std::string_view format_name) {
  const Format* format = format_name.empty() ? &format_ : find_format(format_name);
  if (format == nullptr) {
    return std::unexpected(error(ErrorCode::UnsupportedFeature,
                                 "the parent's format '{}' is unknown", printable(format_name))
                               .in(location_));
  }
  VMLIFT_TRY(auto file, open_file(name, "parent"));
  const std::string identity = identity_of(*file);
  if (std::ranges::find(chain_, identity) != chain_.end()) {
    return std::unexpected(
        error(ErrorCode::ChainLoop, "the parent '{}' leads back to itself", printable(name))
            .in(location_));
  }
  if (chain_.size() >= policy_.max_chain) {
    return std::unexpected(
        error(ErrorCode::Limit, "the chain of images is longer than {}", policy_.max_chain)
            .in(location_));
  }
  std::vector<std::string> chain = chain_;
  chain.push_back(identity);
  auto parent = open_parent_(std::move(file), *format, chain);
  if (!parent) {
    return std::unexpected(std::move(parent).error().during("opening the parent"));
  }
  return parent;
}

}  // namespace vmlift
