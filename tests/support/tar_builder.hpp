// Tar archives made byte by byte, right ones and wrong ones.
//
//   TarBuilder().file("a.ovf", text).file("disk.vmdk", bytes).finish()
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vmlift::test {

class TarBuilder {
 public:
  /// What a header says; `checksum` true: the right one.
  struct Header {
    std::string name{};
    std::string size_field{};  ///< twelve bytes as they stand; see octal_size, base256_size
    char type = '0';
    std::string prefix{};
    std::string magic = std::string(
        "ustar\0"
        "00",
        8);
    std::string link_name{};
    bool checksum = true;
  };

  TarBuilder& header(const Header& header);
  /// Bytes and the padding to the next block.
  TarBuilder& content(std::string_view bytes);

  TarBuilder& file(std::string_view name, std::string_view bytes);
  TarBuilder& folder(std::string_view name);
  /// GNU's way with a name of any length.
  TarBuilder& gnu_long_name(std::string_view name);
  /// A pax header ('x' for the next member, 'g' for all) of one record.
  TarBuilder& pax(std::string_view key, std::string_view value, char type = 'x');

  /// Where the next header will lie.
  std::size_t position() const { return bytes_.size(); }
  /// The archive with its end marker, and without.
  std::string finish() const { return bytes_ + std::string(1024, '\0'); }
  std::string unfinished() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string octal_size(std::uint64_t size);
/// GNU's base-256; negative numbers in two's complement.
std::string base256_size(std::int64_t size);

}  // namespace vmlift::test
