#include "codec/fast_deflate.hpp"

#include <isa-l/igzip_lib.h>

namespace vmlift {
namespace {
// Measured on guest data in units of 64 KiB, MB/s and output: level 1 459 and 46.9 %, level 2 423
// and 46.3 %, level 3 317 and 45.6 %; libdeflate's level 1 177 and 45.1 %.
constexpr std::uint32_t kLevel = 2;
}  // namespace

FastDeflater::FastDeflater() : working_memory_(ISAL_DEF_LVL2_DEFAULT) {}

std::optional<std::size_t> FastDeflater::deflate(std::span<const std::byte> plain,
                                                 std::span<std::byte> out) {
  if (plain.size() > UINT32_MAX) return std::nullopt;
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = kLevel;
  stream.level_buf = reinterpret_cast<std::uint8_t*>(working_memory_.data());
  stream.level_buf_size = static_cast<std::uint32_t>(working_memory_.size());
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  // Only read: the interface knows no const.
  stream.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(plain.data()));
  stream.avail_in = static_cast<std::uint32_t>(plain.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), UINT32_MAX));
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0) return std::nullopt;
  return stream.total_out;
}

}  // namespace vmlift
