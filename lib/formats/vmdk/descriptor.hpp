// The text descriptor of a VMDK: alone in a file, or embedded in a sparse extent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vmdk {

/// A parent CID of "none", and the CID that says "see ddb.longContentID".
inline constexpr std::uint32_t kNoParent = 0xffffffff;
inline constexpr std::uint32_t kLongContentId = 0xfffffffe;

/// ACCESS SECTORS TYPE ["file" [offset ...]]
struct ExtentLine {
  enum class Access { read_write, read_only, none };
  enum class Type {
    flat,
    vmfs,
    sparse,
    vmfs_sparse,
    se_sparse,
    vsan_sparse,
    zero,
    raw_mapping,
    raw_device,
  };
  Access access = Access::read_write;
  std::uint64_t sectors = 0;
  Type type = Type::flat;
  std::string file;
  std::uint64_t offset = 0;  ///< sectors into the file: FLAT only
  std::size_t line = 0;
};

struct Descriptor {
  std::uint32_t version = 1;
  std::string encoding = "UTF-8";
  std::uint32_t cid = 0;
  std::uint32_t parent_cid = kNoParent;
  std::string create_type;
  std::string parent_hint;
  std::vector<ExtentLine> extents;
  std::map<std::string, std::string> database;  ///< ddb.*, keys in lower case

  bool has_parent() const { return parent_cid != kNoParent; }
};

/// Whether a file that begins with `head` is a descriptor.
bool is_descriptor(std::string_view head);

/// Errors: BadDescriptor naming the line, Limit, UnsupportedVersion, Encrypted.
Result<Descriptor> parse_descriptor(std::string_view text, const Limits& limits);

/// The extent type's own word: "FLAT", "VMFSSPARSE".
std::string_view type_word(ExtentLine::Type type);

}  // namespace vmlift::vmdk
