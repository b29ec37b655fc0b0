// Writing the text descriptor of a new image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/vmdk/create_options.hpp"
#include "formats/vmdk/descriptor.hpp"

namespace vmlift::vmdk {

/// The 128 bits by which VMware tells one state of a disk's content from another. The short CID
/// is its tail.
struct ContentId {
  std::string hex;  ///< 32 digits
  std::uint32_t cid() const;

  static ContentId random();
  /// From a longer digest in hex.
  static ContentId from_digest(const std::string& digest) { return {digest.substr(0, 32)}; }
};

struct ListedExtent {
  std::uint64_t sectors = 0;
  ExtentLine::Type type = ExtentLine::Type::flat;
  std::string file;
};

/// A file name can stand in a descriptor: no control characters, no quotes.
/// Errors: InvalidArgument.
Result<void> require_plain_name(std::string_view name);

std::string write_descriptor(const NewImage& image, const std::vector<ListedExtent>& extents,
                             const ContentId& content);

}  // namespace vmlift::vmdk
