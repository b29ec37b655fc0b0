// Compressed streams for tests, made by the libraries themselves.
#pragma once

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace vmlift::test {

inline std::string gzip_of(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string packed(deflateBound(&stream, plain.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int code = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("deflate");
  return packed;
}

/// `dictionary`: bytes that a decoder has to hold; 0: as preset 0 has it.
inline std::string xz_of(std::string_view plain, std::uint32_t dictionary = 0) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 0);
  if (dictionary != 0) options.dict_size = dictionary;
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::string packed(lzma_stream_buffer_bound(plain.size()), '\0');
  std::size_t size = 0;
  const lzma_ret code = lzma_stream_buffer_encode(
      filters, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(plain.data()),
      plain.size(), reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  if (code != LZMA_OK) throw std::runtime_error("lzma_stream_buffer_encode");
  packed.resize(size);
  return packed;
}

/// With a checksum; `window_log` 0: libzstd's choice.
inline std::string zstd_of(std::string_view plain, int window_log = 0) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string packed(ZSTD_compressBound(plain.size()) + 64, '\0');
  ZSTD_inBuffer in{plain.data(), plain.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  // In two steps: in one, libzstd knows the size and narrows the window.
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue);
  const std::size_t code = ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  if (code != 0) throw std::runtime_error("ZSTD_compressStream2");
  packed.resize(out.pos);
  return packed;
}

}  // namespace vmlift::test
