// The text of a descriptor is in the encoding of the host that wrote it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vmlift::vmdk {

/// `text` in UTF-8; nothing when it is not text of that encoding, or the encoding is none that
/// VMware writes.
std::optional<std::string> to_utf8(std::string_view text, std::string_view encoding);

}  // namespace vmlift::vmdk
