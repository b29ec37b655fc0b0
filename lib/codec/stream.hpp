// Compressed streams decoded piece by piece: gzip (RFC 1952, over zlib), xz (over liblzma) and
// Zstandard (RFC 8878, over libzstd). Members, streams and frames one behind the other are one
// stream; anything else behind them is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "vmlift/error.hpp"

namespace vmlift {

enum class Wrapping { gzip, xz, zstd };
/// "gzip", "xz", "zstd".
std::string_view wrapping_name(Wrapping wrapping) noexcept;
/// What a file's name says, by its extension: .gz, .xz, .zst, in any case.
std::optional<Wrapping> wrapping_of_name(std::string_view name);
/// What a file's first bytes (six or more) say.
std::optional<Wrapping> wrapping_of_bytes(std::span<const std::byte> head);

/// One thread at a time. After an error a decoder is of no more use.
class StreamDecoder {
 public:
  /// Streams that need more than `memory` bytes to decode are refused.
  static std::unique_ptr<StreamDecoder> make(Wrapping wrapping, std::uint64_t memory);
  virtual ~StreamDecoder() = default;

  /// Decodes from the front of `in` to the front of `out` and takes off both what was used, until
  /// one of them is empty. `last`: nothing follows `in`. Returns whether the stream is complete.
  /// Errors: Truncated, Corrupt, ChecksumMismatch, Limit, UnsupportedFeature, NoMemory.
  virtual Result<bool> step(std::span<const std::byte>& in, std::span<std::byte>& out,
                            bool last) = 0;
};

// The makers behind StreamDecoder::make, one file each.
std::unique_ptr<StreamDecoder> make_gzip_stream();
std::unique_ptr<StreamDecoder> make_xz_stream(std::uint64_t memory);
std::unique_ptr<StreamDecoder> make_zstd_stream(std::uint64_t memory);

}  // namespace vmlift
