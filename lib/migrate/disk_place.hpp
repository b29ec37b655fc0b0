// Where the disks of a migration go: a folder, a Ceph pool, or an NBD server.
#pragma once

#include <string>
#include <string_view>

#include "vmlift/error.hpp"
#include "vmlift/vm.hpp"

namespace vmlift {

class DiskPlace {
 public:
  enum class Kind { folder, rbd, nbd };

  /// A folder's path; "rbd:POOL" or "rbd:POOL/NAMESPACE"; an NBD URI without an export, each disk
  /// being an export of its own ("nbd://host:port", "nbd+unix:///?socket=PATH", and the same with
  /// nbds). Error: InvalidArgument.
  static Result<DiskPlace> parse(std::string_view text);

  Kind kind() const { return kind_; }
  /// Disks have no files there: no extension, and no format but their own bytes.
  bool on_a_server() const { return kind_ != Kind::folder; }
  /// What create_disk takes there, "rbd" or "nbd"; empty: a folder takes several.
  std::string_view format() const;

  /// What create_disk takes for the disk `name`: a path, "rbd:POOL/NAME", an NBD URI.
  std::string location(std::string_view name) const;
  /// The same as a definition says it.
  vm::DiskTarget target(std::string_view name) const;

 private:
  static Result<DiskPlace> parse_nbd(std::string_view text, std::size_t scheme);

  Kind kind_ = Kind::folder;
  std::string before_;  ///< of a location, up to the disk's name
  std::string after_;   ///< and behind it
  vm::DiskServer server_;
};

}  // namespace vmlift
