// References under a policy: how an image reaches its extents, data file and parent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "vmlift/format.hpp"

namespace vmlift {

/// Opens an image that another one names, one step deeper in the chain.
using ParentOpener = std::function<Result<std::unique_ptr<Disk>>(
    std::shared_ptr<File> file, const Format& format, const std::vector<std::string>& chain)>;

class PolicyReferences : public References {
 public:
  /// `chain` holds the identities of the images above, this one last. `beside` resolves names
  /// in the image's own folder (or archive). What is opened is added to `opened`.
  PolicyReferences(const Format& format, const OpenPolicy& policy, std::string location,
                   std::shared_ptr<const Folder> beside, std::vector<std::string> chain,
                   ParentOpener open_parent, std::vector<std::shared_ptr<File>>& opened);

  Result<std::shared_ptr<File>> open_file(std::string_view name, std::string_view kind) override;
  Result<std::unique_ptr<Disk>> open_parent(std::string_view name,
                                            std::string_view format) override;

 private:
  const Format& format_;
  const OpenPolicy& policy_;
  std::string location_;
  std::shared_ptr<const Folder> beside_;
  std::vector<std::string> chain_;
  ParentOpener open_parent_;
  std::vector<std::shared_ptr<File>>& opened_;
};

/// A name found in `location`, to be opened for what `kind` says ("extent", "disk").
struct Reference {
  std::string_view name;
  std::string_view kind;
  std::string_view location;
};

/// Opens a reference as far as `policy` lets it; `beside_by_default` is what by_format means
/// here. `beside` resolves names in the folder (or archive) of `location`; null: there is none.
/// Errors: ReferenceDenied, MissingExtent.
Result<std::shared_ptr<File>> open_reference(const Reference& reference, const OpenPolicy& policy,
                                             bool beside_by_default, const Folder* beside);

/// What tells two files apart: device and inode of the operating system's file and the place
/// in it; the path for any other.
std::string identity_of(const File& file);

}  // namespace vmlift
