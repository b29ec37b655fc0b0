#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "codec/stream.hpp"

namespace vmlift {
namespace {

// zlib skips a header's name, comment and extra field however long they are; RFC 1952 gives the
// first two no bound.
constexpr std::uint64_t kLongestHeader = 128 << 10;

class GzipStream : public StreamDecoder {
 public:
  GzipStream() { ready_ = ::inflateInit2(&zlib_, 15 + 16) == Z_OK && begin_header(); }
  ~GzipStream() override { ::inflateEnd(&zlib_); }
  GzipStream(const GzipStream&) = delete;

  Result<bool> step(std::span<const std::byte>& in, std::span<std::byte>& out, bool last) override {
    if (!ready_) return fail(ErrorCode::NoMemory, "no memory for gzip's decoder");
    for (;;) {
      if (between_) {
        if (in.empty() && last && first_) break;
        if (in.empty()) return last;
        VMLIFT_CHECK(begin_member(in));
        continue;
      }
      if (out.empty()) return false;
      VMLIFT_CHECK(inflate_some(in, out));
      if (between_ || out.empty() || !in.empty()) continue;
      if (last) break;
      return false;
    }
    return fail(ErrorCode::Truncated, "the gzip stream ends before its last byte");
  }

 private:
  bool begin_header() {
    header_ = {};
    header_bytes_ = 0;
    return ::inflateGetHeader(&zlib_, &header_) == Z_OK;
  }

  /// What stands at the front of `in`, between members: a member, or zeros up to the end as tapes
  /// and block devices leave them.
  Result<void> begin_member(std::span<const std::byte>& in) {
    if (first_ || (in.front() == std::byte{0x1f} && !padded_)) {
      if (!first_ && (::inflateReset(&zlib_) != Z_OK || !begin_header())) {
        return fail(ErrorCode::Internal, "gzip's decoder does not start again");
      }
      first_ = between_ = false;
      return {};
    }
    padded_ = true;
    if (!all_zero(in)) {
      return fail(ErrorCode::Corrupt, "bytes that are no gzip member stand behind the last one");
    }
    in = {};
    return {};
  }

  Result<void> inflate_some(std::span<const std::byte>& in, std::span<std::byte>& out) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    // zlib's interface is older than const.
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    zlib_.avail_in = static_cast<uInt>(std::min(in.size(), kMost));
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<uInt>(std::min(out.size(), kMost));
    const uInt in_before = zlib_.avail_in;
    const uInt out_before = zlib_.avail_out;
    const int code = ::inflate(&zlib_, Z_NO_FLUSH);
    const uInt used = in_before - zlib_.avail_in;
    in = in.subspan(used);
    out = out.subspan(out_before - zlib_.avail_out);
    if (header_.done == 0) header_bytes_ += used;
    if (header_bytes_ > kLongestHeader) {
      return fail(ErrorCode::Limit, "a gzip header longer than {} bytes", kLongestHeader);
    }
    switch (code) {
      case Z_OK:
      case Z_BUF_ERROR:  // wants more of `in` or `out`
        return {};
      case Z_STREAM_END:
        between_ = true;
        return {};
      case Z_MEM_ERROR:
        return fail(ErrorCode::NoMemory, "no memory for gzip's decoder");
      default:
        break;
    }
    const std::string_view what = zlib_.msg == nullptr ? "a dictionary is needed" : zlib_.msg;
    // The trailer's CRC-32 ("data check") and length ("length check").
    return fail(what.ends_with("check") && what != "incorrect header check"
                    ? ErrorCode::ChecksumMismatch
                    : ErrorCode::Corrupt,
                "the gzip stream is damaged: {}", what);
  }

  z_stream zlib_{};
  gz_header header_{};
  std::uint64_t header_bytes_ = 0;
  bool ready_ = false;
  bool first_ = true;
  bool between_ = true;  // no member is begun
  bool padded_ = false;
};

}  // namespace

std::unique_ptr<StreamDecoder> make_gzip_stream() { return std::make_unique<GzipStream>(); }

}  // namespace vmlift
