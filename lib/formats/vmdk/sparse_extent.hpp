// Reading the grains of a sparse extent: all grains of a request are looked up first, then
// fetched in the order of the file with few large reads, and inflated straight into the
// caller's buffer.
#pragma once

#include "base/pool.hpp"
#include "codec/deflate.hpp"
#include "formats/vmdk/extent_reader.hpp"
#include "formats/vmdk/grain_map.hpp"

namespace vmlift::vmdk {

class SparseExtent : public ExtentReader {
 public:
  SparseExtent(std::unique_ptr<GrainMap> map, Below below)
      : map_(std::move(map)), geometry_(map_->geometry()), below_(below) {}

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override;
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override;
  Result<void> read_encoded(Extent range, const EncodedVisitor& visit) override;
  Result<void> check(CheckReport& report) override;

  std::uint64_t unit_size() const override { return geometry_.grain_bytes; }
  bool compressed() const override { return geometry_.compressed; }
  std::vector<std::string> warnings() const override { return map_->warnings(); }

 private:
  /// A part of one grain, or of neighbouring plain ones, that a request wants.
  struct Piece {
    std::uint64_t grain = 0;
    std::uint64_t place = 0;  ///< in the file: the grain's (compressed) or the bytes'
    std::uint64_t skip = 0;   ///< bytes of the grain before the wanted ones
    std::span<std::byte> out;
  };
  /// What one thread needs to read compressed grains.
  struct Worker {
    Inflater inflater;
    std::vector<std::byte> window;  ///< a stretch of the file
    std::vector<std::byte> plain;   ///< one grain, for requests that want a part of it
    std::uint64_t plain_grain = ~std::uint64_t{0};
  };
  /// A stretch of the file that holds several compressed grains, and how much of it was read.
  struct Window {
    std::uint64_t begin = 0;
    std::span<const std::byte> bytes;
  };

  Result<std::vector<Piece>> look_up(std::uint64_t offset, std::span<std::byte> buffer);
  Result<void> read_plain(const std::vector<Piece>& pieces) const;
  Result<void> read_compressed(std::span<const Piece> pieces, Worker& worker) const;
  Result<void> inflate_piece(const Piece& piece, std::span<const std::byte> payload,
                             Worker& worker) const;

  /// How many of `pieces`, ascending in the file, one window takes, and reads it.
  Result<std::size_t> fill_window(std::span<const Piece> pieces, Worker& worker,
                                  Window& window) const;
  /// The zlib stream of one grain: from the window, or read on its own into `rest`.
  Result<std::span<const std::byte>> payload_of(const Piece& piece, const Window& window,
                                                std::vector<std::byte>& rest) const;

  Error unreadable(std::uint64_t grain, const Grain& entry) const;
  Error in_grain(Error error, std::uint64_t grain, std::uint64_t place) const;

  std::unique_ptr<GrainMap> map_;
  GrainGeometry geometry_;
  Below below_;
  Pool<Worker> workers_;
};

}  // namespace vmlift::vmdk
