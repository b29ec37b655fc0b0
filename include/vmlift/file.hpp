// File: bytes at positions. What a format reads and writes through, be it a file of the
// operating system, a member of an archive, or memory in a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vmlift/error.hpp"
#include "vmlift/extent.hpp"

namespace vmlift {

/// A place in an operating system's file, for reflinks. The descriptor belongs to
/// the File it came from and lives as long.
struct HostPlace {
  int descriptor = -1;
  std::uint64_t offset = 0;
};

class Folder;  // lib/io/folder.hpp

/// Reads may be made from several threads at once, and so may writes to places that do not
/// overlap. Offsets and lengths are bytes. Errors carry the file's path.
class File {
 public:
  virtual ~File() = default;

  /// What the caller called it; for messages and for relative references.
  virtual const std::string& path() const = 0;
  virtual Result<std::uint64_t> size() const = 0;

  /// Reads until `buffer` is full or the file ends; returns how much was read.
  virtual Result<std::size_t> read_some(std::uint64_t offset,
                                        std::span<std::byte> buffer) const = 0;
  /// Fills `buffer`. Errors: Truncated where the file ends first, Io.
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) const;

  /// The run of `length` bytes at most that begins at `offset`: whether it is a hole (reads as
  /// zeros, takes no room), and how long. Without holes: data to the end.
  struct Run {
    std::uint64_t length = 0;
    bool hole = false;
  };
  virtual Result<Run> run(std::uint64_t offset, std::uint64_t length) const;

  /// Where `offset` lies in the operating system's file; nothing for memory.
  virtual std::optional<HostPlace> host(std::uint64_t) const { return std::nullopt; }

  /// Where names found in this file are looked up; null: in the folder of path().
  virtual std::shared_ptr<const Folder> beside() const { return nullptr; }

  /// Whether the bytes still arrive, in order, from a pipe or a decompressor: a read waits for
  /// those before it, and size() for the last.
  virtual bool arriving() const { return false; }

  /// Whether the file is as it was when it was opened. Errors: SourceChanged.
  virtual Result<void> unchanged() const { return {}; }

  // Writing. A file that is only read answers Permission.
  virtual Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer);
  /// Makes the range read as zeros, as a hole where the file can.
  virtual Result<void> zero(Extent extent);
  virtual Result<void> resize(std::uint64_t size);
  /// Reserves room for the range, so that later writes to it cannot run out of space.
  virtual Result<void> allocate(Extent extent);
  /// Everything written so far survives a crash of the machine.
  virtual Result<void> sync();
  /// The bytes at `source` become those of [offset, offset + length) without being copied: both
  /// files share the blocks (a reflink). False where that is not possible: nothing was written
  /// then. A copy inside the kernel is no substitute: it is no faster than reading and writing,
  /// and keeps zeros that were written out.
  virtual Result<bool> copy_from(HostPlace source, std::uint64_t offset, std::uint64_t length);

 protected:
  Error read_only_error() const;
};

}  // namespace vmlift
