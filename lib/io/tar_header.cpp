#include "io/tar_header.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>

#include "base/fail.hpp"
#include "base/printable.hpp"

namespace vmlift {
namespace {

using Field = std::span<char>;

void put_text(Field field, std::string_view text) { std::ranges::copy(text, field.begin()); }

/// Octal digits to the last but one place, which stays NUL.
void put_octal(Field field, std::uint64_t value) {
  for (std::size_t at = field.size() - 1; at-- > 0; value /= 8)
    field[at] = static_cast<char>('0' + value % 8);
}

void put_base256(Field field, std::uint64_t value) {
  for (std::size_t at = field.size(); at-- > 1; value /= 256)
    field[at] = static_cast<char>(static_cast<unsigned char>(value % 256));
  field[0] = static_cast<char>(0x80);
}

}  // namespace

// POSIX.1-1988 ustar, "ustar Interchange Format" in POSIX.1-2001 pax.
Result<std::array<std::byte, kTarBlock>> tar_header(std::string_view name, std::uint64_t size) {
  constexpr std::size_t kNameLength = 100;
  constexpr std::uint64_t kOctalLimit = std::uint64_t{1} << 33;  // eleven digits
  if (name.empty() || name.size() > kNameLength) {
    return fail(ErrorCode::InvalidArgument, "the name '{}' does not fit into a tar header",
                printable(name));
  }
  std::array<char, kTarBlock> header{};
  const Field all(header);
  put_text(all.subspan(0, kNameLength), name);
  put_octal(all.subspan(100, 8), 0644);
  put_octal(all.subspan(108, 8), 0);  // owner, group: root's number, no name
  put_octal(all.subspan(116, 8), 0);
  if (size < kOctalLimit) {
    put_octal(all.subspan(124, 12), size);
  } else {
    put_base256(all.subspan(124, 12), size);
  }
  put_octal(all.subspan(136, 12), 0);  // no time: the same package gives the same bytes
  put_text(all.subspan(148, 8), "        ");
  header[156] = '0';
  put_text(all.subspan(257, 5), "ustar");
  put_text(all.subspan(263, 2), "00");
  const auto sum = std::accumulate(header.begin(), header.end(), 0U, [](unsigned total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  put_octal(all.subspan(148, 7), sum);
  std::array<std::byte, kTarBlock> bytes{};
  std::memcpy(bytes.data(), header.data(), header.size());
  return bytes;
}

}  // namespace vmlift
