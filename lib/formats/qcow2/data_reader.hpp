// Reads the bytes behind runs: plain ones straight into the caller's buffer, compressed ones in
// the order they lie in the file, many with one read, inflated where they belong.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/pool.hpp"
#include "codec/deflate.hpp"
#include "codec/zstd.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/mapping.hpp"
#include "vmlift/disk.hpp"

namespace vmlift::qcow2 {

/// Safe for several threads at once.
class DataReader {
 public:
  /// `packed_file` holds the compressed clusters, `plain_file` the others: the same, unless the
  /// image has a data file.
  DataReader(const Geometry& geometry, CompressionType compression,
             std::shared_ptr<File> packed_file, std::shared_ptr<File> plain_file,
             std::uint64_t decoder_memory);

  /// Fills the part of `buffer` that belongs to each run; `buffer` begins at guest offset `base`.
  /// Runs that are unallocated are left alone. Errors: Truncated and Corrupt with guest offsets.
  Result<void> read(std::span<const Run> runs, std::uint64_t base, std::span<std::byte> buffer);

  /// Hands out the stored bytes of compressed runs, in the runs' order.
  Result<void> read_encoded(std::span<const Run> runs, const EncodedVisitor& visit);

  /// Forgets what was decoded: the image's clusters have changed.
  void changed() { ++generation_; }

 private:
  struct Scratch {
    explicit Scratch(std::uint64_t decoder_memory) : zstd(decoder_memory) {}
    Inflater inflater;
    ZstdDecoder zstd;
    Bytes stored;
    // The cluster decoded last: a caller who reads sector by sector decodes it once.
    Bytes cluster;
    PackedPlace cluster_place;
    std::uint64_t cluster_generation = ~std::uint64_t{0};
  };

  Result<void> read_plain(const Run& run, std::span<std::byte> out);
  Result<void> decode(Scratch& scratch, const Run& run, std::span<const std::byte> stored,
                      std::span<std::byte> out);
  Result<void> decode_part(Scratch& scratch, const Run& run, std::span<const std::byte> stored,
                           std::span<std::byte> out);
  /// Calls `use(run, stored bytes)` for each compressed run, in the order of the file.
  using UseStored = std::function<Result<void>(const Run&, std::span<const std::byte>)>;
  Result<void> for_each_stored(Scratch& scratch, std::vector<const Run*>& runs,
                               const UseStored& use);

  const Geometry& geometry_;
  const CompressionType compression_;
  std::shared_ptr<File> packed_file_;
  std::shared_ptr<File> plain_file_;
  std::uint64_t generation_ = 0;
  Pool<Scratch> scratch_;
};

}  // namespace vmlift::qcow2
