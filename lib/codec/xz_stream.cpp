#include <lzma.h>

#include "base/fail.hpp"
#include "codec/stream.hpp"

namespace vmlift {
namespace {

class XzStream : public StreamDecoder {
 public:
  explicit XzStream(std::uint64_t memory) : memory_(memory) {
    ready_ = ::lzma_stream_decoder(&lzma_, memory, LZMA_CONCATENATED) == LZMA_OK;
  }
  ~XzStream() override { ::lzma_end(&lzma_); }
  XzStream(const XzStream&) = delete;

  Result<bool> step(std::span<const std::byte>& in, std::span<std::byte>& out, bool last) override {
    if (!ready_) return fail(ErrorCode::NoMemory, "no memory for xz's decoder");
    lzma_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    lzma_.avail_in = in.size();
    lzma_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    lzma_.avail_out = out.size();
    lzma_ret code = LZMA_OK;
    while (code == LZMA_OK && (lzma_.avail_in > 0 || last) && lzma_.avail_out > 0) {
      code = ::lzma_code(&lzma_, last ? LZMA_FINISH : LZMA_RUN);
    }
    in = in.last(lzma_.avail_in);
    out = out.last(lzma_.avail_out);
    switch (code) {
      case LZMA_OK:
        return false;
      case LZMA_STREAM_END:
        return true;
      case LZMA_BUF_ERROR:
        if (!last || out.empty()) return false;
        return fail(ErrorCode::Truncated, "the xz stream ends before its last byte");
      case LZMA_MEMLIMIT_ERROR:
        return fail(ErrorCode::Limit, "the xz stream needs {} bytes of memory, allowed are {}",
                    ::lzma_memusage(&lzma_), memory_);
      case LZMA_OPTIONS_ERROR:
        return fail(ErrorCode::UnsupportedFeature, "a filter of the xz stream is not supported");
      case LZMA_MEM_ERROR:
        return fail(ErrorCode::NoMemory, "no memory for xz's decoder");
      case LZMA_FORMAT_ERROR:
        return fail(ErrorCode::Corrupt, "bytes that are no xz stream");
      default:
        return fail(ErrorCode::Corrupt, "the xz stream is damaged");
    }
  }

 private:
  lzma_stream lzma_ = LZMA_STREAM_INIT;
  std::uint64_t memory_;
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<StreamDecoder> make_xz_stream(std::uint64_t memory) {
  return std::make_unique<XzStream>(memory);
}

}  // namespace vmlift
