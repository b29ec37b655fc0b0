// Digests by name.
#pragma once

#include <string_view>

namespace vmlift {

enum class DigestAlgorithm { sha1, sha256, sha512 };
/// "SHA1", "SHA256", "SHA512", as manifests spell them.
std::string_view digest_name(DigestAlgorithm algorithm) noexcept;

}  // namespace vmlift
