// Copying disks: parallel, in bounded memory, zeros and holes kept, compressed units moved
// without being inflated where source and target store the same codec.
//
// The only part of the library that starts threads; all of them have ended when a call returns.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "vmlift/disk.hpp"
#include "vmlift/error.hpp"

namespace vmlift {

/// How far a copy is. `done` and `total` count guest bytes, holes included.
struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

struct CopyOptions {
  /// Worker threads; 0: one for each processor.
  unsigned threads = 0;
  /// Called on the caller's own thread, about ten times a second and once at the end.
  std::function<void(const Progress&)> progress{};
  /// Stops the copy with the error Cancelled.
  std::stop_token stop{};
  /// Reads the target back after the copy and compares: ChecksumMismatch where it differs.
  bool verify = false;
  /// Computes the SHA-256 of the guest-visible bytes while they pass.
  bool digest = false;
  /// Gives the target the source's persistent bitmaps too. Errors: Corrupt for one that was not
  /// saved, UnsupportedFeature for a target that cannot hold them.
  bool bitmaps = false;
  /// Asked after the data is written and before the target gets its name; an error it returns
  /// leaves no target. (A manifest is checked here.)
  std::function<Result<void>()> before_commit{};
  /// False: the target is left complete but without its name; the caller calls publish(). So
  /// several disks of one machine can appear together.
  bool publish = true;
};

struct CopyReport {
  std::uint64_t size = 0;           ///< guest-visible bytes
  std::uint64_t data_bytes = 0;     ///< of them, copied as data
  std::uint64_t zero_bytes = 0;     ///< found to be zeros or holes
  std::uint64_t encoded_bytes = 0;  ///< of data_bytes, moved as they were stored
  std::uint64_t shared_bytes = 0;   ///< of data_bytes, shared with the source's file: reflinks
  double seconds = 0;
  bool verified = false;
  std::optional<std::string> sha256;  ///< lower-case hex of the guest-visible bytes
};

/// Copies all of `source` into `target`, a disk just created and at least as large, and
/// commits it; what the target has beyond the source reads as zeros. Errors: those of both disks;
/// Cancelled; NoSpace for a smaller target, before a byte is written.
Result<CopyReport> copy_disk(const Disk& source, Disk& target, const CopyOptions& options = {});

/// The SHA-256 of the guest-visible bytes, lower-case hex. Holes are hashed as zeros.
Result<std::string> digest_disk(const Disk& disk, const CopyOptions& options = {});

/// Where two disks first differ; nothing when they hold the same bytes. A shorter disk counts
/// as ending in zeros only with `ignore_size`; otherwise different sizes differ at the end of the
/// shorter one.
Result<std::optional<std::uint64_t>> compare_disks(const Disk& a, const Disk& b,
                                                   const CopyOptions& options = {},
                                                   bool ignore_size = false);

/// What `vmlift convert` does: open, create, copy, commit. While a compressed source is expanded
/// before its format is known, progress counts its bytes; then it begins anew for the copy.
struct ConvertRequest {
  std::string source{};
  OpenOptions source_options{};
  std::string target{};
  std::string target_format{};
  CreateOptions target_options{};  ///< a size of 0 is the source's
  CopyOptions copy{};
};
Result<CopyReport> convert(const ConvertRequest& request);

}  // namespace vmlift
