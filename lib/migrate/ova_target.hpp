// An OVA on its way: descriptor, manifest, disks, in this order as those who read it while it
// streams by want them. The disks are written in place first; the descriptor, which tells their
// sizes, and the manifest, which tells their digests, go last into the room kept for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vmlift/disk.hpp"
#include "vmlift/format.hpp"

namespace vmlift {

/// What stands in front of the disks. Sizes are of the longest that the texts may become.
struct OvaHead {
  std::string descriptor;  ///< the member's name
  std::uint64_t descriptor_room = 0;
  std::string manifest;
  std::uint64_t manifest_room = 0;
};

/// One line of a manifest, as ESXi takes it: no space before the equals sign.
std::string manifest_line(std::string_view file, std::string_view sha256);

class OvaTarget {
 public:
  /// Errors: those of create_target; InvalidArgument for names that tar cannot hold.
  static Result<OvaTarget> create(const std::string& path, bool overwrite, OvaHead head);

  /// Makes the next disk: a streamOptimized VMDK of this name. Completed, it is handed to `seal`
  /// before the next one begins. Errors: those of create_disk.
  Result<std::unique_ptr<Disk>> begin_disk(const std::string& name, const CreateOptions& options);
  /// Ends the disk that was begun: its header, its digest. Returns the bytes it takes.
  Result<std::uint64_t> seal_disk(const std::stop_token& stop);

  /// Writes descriptor, manifest and the archive's end. Nothing has a name yet.
  Result<void> finish(std::string_view descriptor);
  Result<void> publish() { return file_->publish(); }

 private:
  OvaTarget(std::shared_ptr<TargetFile> file, OvaHead head);
  /// A header at `at`, content behind it.
  Result<void> write_member(std::uint64_t at, std::string_view name, std::string_view content);

  std::shared_ptr<TargetFile> file_;
  OvaHead head_;
  std::uint64_t end_ = 0;  ///< where the next header goes
  std::string disk_name_;  ///< of the disk that is being written
  std::shared_ptr<TargetFile> disk_;
  std::string disk_lines_;  ///< of the manifest
};

}  // namespace vmlift
