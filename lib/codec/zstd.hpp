// Zstandard for whole units, over libzstd. Like deflate.hpp: one object for one thread, kept for
// many units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "vmlift/error.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace vmlift {

class ZstdDecoder {
 public:
  /// A frame whose window needs more than `memory` bytes is refused (Limits::decoder_memory).
  explicit ZstdDecoder(std::uint64_t memory);
  ~ZstdDecoder();
  ZstdDecoder(ZstdDecoder&&) noexcept;

  /// Decodes the frame or frames at the start of `payload` until `out` is full; what stands
  /// behind them is ignored. Returns the bytes consumed. Errors: Corrupt, Limit.
  Result<std::size_t> decode(std::span<const std::byte> payload, std::span<std::byte> out);

 private:
  std::unique_ptr<ZSTD_DCtx_s, void (*)(ZSTD_DCtx_s*)> state_;
};

class ZstdEncoder {
 public:
  explicit ZstdEncoder(int level);
  ~ZstdEncoder();
  ZstdEncoder(ZstdEncoder&&) noexcept;

  /// Writes one frame into `out`; returns its length, or nothing when it does not fit.
  std::optional<std::size_t> encode(std::span<const std::byte> plain, std::span<std::byte> out);

 private:
  std::unique_ptr<ZSTD_CCtx_s, void (*)(ZSTD_CCtx_s*)> state_;
};

}  // namespace vmlift
