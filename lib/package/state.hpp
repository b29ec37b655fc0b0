// What a Package knows, shared by the files that implement it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "package/contents.hpp"
#include "package/ovf_files.hpp"
#include "vmlift/package.hpp"

namespace vmlift {

struct Package::State {
  PackageKind kind = PackageKind::ova;
  PackageOptions options;
  Contents contents;
  vm::Definition definition;
  std::vector<std::string> locks;
  std::optional<Manifest> manifest;
  OvfStorages storages;

  Result<void> read_definition();
  Result<void> read_manifest();
  Result<void> look_beside();
  /// A file as it is stored; `purpose` is for messages ("disk").
  Result<std::shared_ptr<File>> open_stored(std::string_view name, std::string_view purpose) const;
  /// A file as the definition means it.
  Result<std::shared_ptr<File>> open_named(std::string_view name, std::string_view purpose) const;

  /// Whether files that the caller did not name may be opened at all. The members of an archive
  /// are parts of the file that was named.
  bool may_look_beside() const {
    return contents.archive || options.policy.references != OpenPolicy::References::deny;
  }
  std::optional<std::string> manifest_name() const;
  /// The policy for names in the definition.
  OpenPolicy policy_for_files() const {
    OpenPolicy policy = options.policy;
    if (contents.archive && policy.references == OpenPolicy::References::deny) {
      policy.references = OpenPolicy::References::same_directory;
    }
    return policy;
  }
  /// The definition and its disks, by the names the definition gives them.
  std::vector<std::string> needed_files() const;
};

}  // namespace vmlift
