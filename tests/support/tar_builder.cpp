#include "support/tar_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vmlift::test {

std::string octal_size(std::uint64_t size) {
  std::string field = fmt::format("{:011o}", size);
  field.resize(12, '\0');
  return field;
}

std::string base256_size(std::int64_t size) {
  std::string field(12, size < 0 ? '\xff' : '\0');
  for (int at = 11; at >= 4; --at, size >>= 8) field[at] = static_cast<char>(size & 0xff);
  if (field[0] == '\0') field[0] = '\x80';
  return field;
}

TarBuilder& TarBuilder::header(const Header& header) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t offset, std::size_t room, std::string_view text) {
    std::copy_n(text.begin(), std::min(room, text.size()), block.begin() + offset);
  };
  put(0, 100, header.name);
  put(100, 8, "0000644");
  put(108, 8, "0000000");
  put(116, 8, "0000000");
  put(124, 12, header.size_field);
  put(136, 12, "00000000000");
  put(148, 8, "        ");
  block[156] = header.type;
  put(157, 100, header.link_name);
  put(257, 8, header.magic);
  put(345, 155, header.prefix);
  unsigned sum = header.checksum ? 0 : 1;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  bytes_ += block;
  return *this;
}

TarBuilder& TarBuilder::content(std::string_view bytes) {
  bytes_ += bytes;
  bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
  return *this;
}

TarBuilder& TarBuilder::file(std::string_view name, std::string_view bytes) {
  return header({.name = std::string(name), .size_field = octal_size(bytes.size())}).content(bytes);
}

TarBuilder& TarBuilder::folder(std::string_view name) {
  return header({.name = std::string(name), .size_field = octal_size(0), .type = '5'});
}

TarBuilder& TarBuilder::gnu_long_name(std::string_view name) {
  const std::string stored = std::string(name) + '\0';
  return header({.name = "././@LongLink",
                 .size_field = octal_size(stored.size()),
                 .type = 'L',
                 .magic = std::string("ustar  \0", 8)})
      .content(stored);
}

TarBuilder& TarBuilder::pax(std::string_view key, std::string_view value, char type) {
  // The length counts its own digits.
  std::size_t length = key.size() + value.size() + 3;
  while (fmt::format("{}", length).size() + key.size() + value.size() + 3 != length) ++length;
  const std::string record = fmt::format("{} {}={}\n", length, key, value);
  return header({.name = "PaxHeaders/x", .size_field = octal_size(record.size()), .type = type})
      .content(record);
}

}  // namespace vmlift::test
