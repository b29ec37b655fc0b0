#include "codec/zstd.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <new>

#include "base/fail.hpp"

namespace vmlift {
namespace {
void free_decoder(ZSTD_DCtx* state) { ZSTD_freeDCtx(state); }
void free_encoder(ZSTD_CCtx* state) { ZSTD_freeCCtx(state); }
}  // namespace

ZstdDecoder::ZstdDecoder(std::uint64_t memory) : state_(ZSTD_createDCtx(), &free_decoder) {
  if (!state_) throw std::bad_alloc();
  const ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
  const int log = std::clamp(static_cast<int>(std::bit_width(memory)) - 1, bounds.lowerBound,
                             bounds.upperBound);
  ZSTD_DCtx_setParameter(state_.get(), ZSTD_d_windowLogMax, log);
}
ZstdDecoder::~ZstdDecoder() = default;
ZstdDecoder::ZstdDecoder(ZstdDecoder&&) noexcept = default;

Result<std::size_t> ZstdDecoder::decode(std::span<const std::byte> payload,
                                        std::span<std::byte> out) {
  ZSTD_DCtx_reset(state_.get(), ZSTD_reset_session_only);
  ZSTD_inBuffer input{payload.data(), payload.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // A unit may be several frames, and the input's true end is not known: stop when out is full.
  while (output.pos < output.size) {
    const std::size_t before = input.pos + output.pos;
    const std::size_t status = ZSTD_decompressStream(state_.get(), &output, &input);
    if (ZSTD_isError(status)) {
      if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
        return fail(ErrorCode::Limit, "a zstd frame asks for a window beyond decoder_memory");
      }
      return fail(ErrorCode::Corrupt, "compressed data is no zstd frame: {}",
                  ZSTD_getErrorName(status));
    }
    if (input.pos + output.pos == before) {
      return fail(ErrorCode::Corrupt, "compressed data ends after {} of its {} bytes", output.pos,
                  out.size());
    }
  }
  return input.pos;
}

ZstdEncoder::ZstdEncoder(int level) : state_(ZSTD_createCCtx(), &free_encoder) {
  if (!state_) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(state_.get(), ZSTD_c_compressionLevel,
                         std::clamp(level, ZSTD_minCLevel(), ZSTD_maxCLevel()));
}
ZstdEncoder::~ZstdEncoder() = default;
ZstdEncoder::ZstdEncoder(ZstdEncoder&&) noexcept = default;

std::optional<std::size_t> ZstdEncoder::encode(std::span<const std::byte> plain,
                                               std::span<std::byte> out) {
  const std::size_t length =
      ZSTD_compress2(state_.get(), out.data(), out.size(), plain.data(), plain.size());
  if (ZSTD_isError(length)) return std::nullopt;
  return length;
}

}  // namespace vmlift
