// DEFLATE (RFC 1951) and its zlib wrapper (RFC 1950) for whole units: a grain or a cluster in
// one call, over libdeflate and, where speed is
// all that counts, ISA-L. An object holds the library's working memory and is used by one
// thread at a time; keep it for many units (see pool.hpp): making one costs more than a unit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "codec/effort.hpp"
#include "codec/fast_deflate.hpp"
#include "vmlift/error.hpp"

struct libdeflate_compressor;
struct libdeflate_decompressor;

namespace vmlift {

/// Bytes of the zlib wrapper around a deflate stream.
inline constexpr std::size_t kZlibHeaderSize = 2;
inline constexpr std::size_t kZlibTrailerSize = 4;

/// The checksum of RFC 1950 of `bytes`.
std::uint32_t adler32(std::span<const std::byte> bytes);

/// A deflate stream taken out of its zlib wrapper.
struct ZlibStream {
  std::span<const std::byte> deflate;
  std::uint32_t adler32 = 0;  ///< as stored
};
/// Checks the wrapper around the whole of `payload`, not the stream in it. Errors: Corrupt.
Result<ZlibStream> unwrap_zlib(std::span<const std::byte> payload);

class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(Inflater&&) noexcept;

  /// Inflates the stream at the start of `payload`, which has to fill `out` exactly; what stands
  /// behind the stream is ignored. Returns the stream's length. Errors: Corrupt.
  Result<std::size_t> inflate(std::span<const std::byte> payload, std::span<std::byte> out);

  /// The same for a stream in its zlib wrapper: returns the length with wrapper.
  /// Errors: Corrupt, Truncated, ChecksumMismatch.
  Result<std::size_t> inflate_zlib(std::span<const std::byte> payload, std::span<std::byte> out);

 private:
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> state_;
};

class Deflater {
 public:
  /// `level`: 1 (fast) to 12 (small), for every unit.
  explicit Deflater(int level);
  /// `balanced` is the level for units that shrink at Effort::balanced; those that do not, as
  /// samples tell, are stored: guest disks hold a lot of media, archives and ciphers, and an
  /// expensive level would look for repetitions in them at length.
  Deflater(Effort effort, int balanced);
  ~Deflater();
  Deflater(Deflater&&) noexcept;

  /// Deflates `plain` into `out`; returns the stream's length, or nothing when it does not fit.
  std::optional<std::size_t> deflate(std::span<const std::byte> plain, std::span<std::byte> out);

  /// The same with the zlib wrapper; `checksum` is adler32(plain).
  std::optional<std::size_t> deflate_zlib(std::span<const std::byte> plain, std::uint32_t checksum,
                                          std::span<std::byte> out);

 private:
  using State = std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)>;
  static State make(int level);
  /// What works on the units that do not shrink.
  struct Judge {
    State sampler;
    State store;
  };
  bool hopeless(std::span<const std::byte> plain, std::span<std::byte> room) const;

  std::variant<State, FastDeflater> compressor_;
  std::optional<Judge> judge_;  // none: the caller chose the level
};

/// Bytes that hold the deflate stream of `plain` bytes with wrapper, however badly it deflates.
std::size_t deflate_bound(std::size_t plain);

}  // namespace vmlift
