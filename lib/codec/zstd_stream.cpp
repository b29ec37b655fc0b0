#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>

#include "base/fail.hpp"
#include "codec/stream.hpp"

namespace vmlift {
namespace {

class ZstdStream : public StreamDecoder {
 public:
  explicit ZstdStream(std::uint64_t memory) : memory_(memory), state_(::ZSTD_createDStream()) {
    const auto bounds = ::ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    const int window = static_cast<int>(std::bit_width(std::max<std::uint64_t>(memory, 1))) - 1;
    ready_ = state_ != nullptr && !::ZSTD_isError(::ZSTD_DCtx_setParameter(
                                      state_, ZSTD_d_windowLogMax,
                                      std::clamp(window, bounds.lowerBound, bounds.upperBound)));
  }
  ~ZstdStream() override { ::ZSTD_freeDStream(state_); }
  ZstdStream(const ZstdStream&) = delete;

  Result<bool> step(std::span<const std::byte>& in, std::span<std::byte>& out, bool last) override {
    if (!ready_) return fail(ErrorCode::NoMemory, "no memory for zstd's decoder");
    // After its frame libzstd may still hold output: go on with an empty `in` until it says 0.
    while (!out.empty() && (!in.empty() || !between_)) {
      ZSTD_inBuffer input{in.data(), in.size(), 0};
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      const std::size_t code = ::ZSTD_decompressStream(state_, &output, &input);
      in = in.subspan(input.pos);
      out = out.subspan(output.pos);
      if (::ZSTD_isError(code)) return std::unexpected(error_of(code));
      between_ = code == 0;
      first_ = false;
      if (input.pos == 0 && output.pos == 0 && !between_) break;
    }
    if (between_ && in.empty() && !(first_ && last)) return last;
    if (in.empty() && !out.empty() && last) {
      return fail(ErrorCode::Truncated, "the zstd stream ends before its last byte");
    }
    return false;
  }

 private:
  Error error_of(std::size_t code) const {
    switch (::ZSTD_getErrorCode(code)) {
      case ZSTD_error_frameParameter_windowTooLarge:
        return error(ErrorCode::Limit, "the zstd stream needs more memory than {} bytes", memory_);
      case ZSTD_error_checksum_wrong:
        return error(ErrorCode::ChecksumMismatch, "the zstd stream's checksum does not match");
      case ZSTD_error_memory_allocation:
        return error(ErrorCode::NoMemory, "no memory for zstd's decoder");
      case ZSTD_error_dictionary_wrong:
        return error(ErrorCode::UnsupportedFeature, "the zstd stream needs a dictionary");
      default:
        return error(ErrorCode::Corrupt, "the zstd stream is damaged: {}",
                     ::ZSTD_getErrorName(code));
    }
  }

  std::uint64_t memory_;
  ZSTD_DStream* state_;
  bool ready_ = false;
  bool first_ = true;  // not even one frame was begun
  bool between_ = true;
};

}  // namespace

std::unique_ptr<StreamDecoder> make_zstd_stream(std::uint64_t memory) {
  return std::make_unique<ZstdStream>(memory);
}

}  // namespace vmlift
