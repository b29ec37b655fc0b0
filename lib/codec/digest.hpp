// Digests, over OpenSSL's EVP interface.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vmlift/digest.hpp"
#include "vmlift/error.hpp"

namespace vmlift {

/// The algorithm of that name, in any case and with or without a dash ("SHA-256"), as manifests
/// spell it.
std::optional<DigestAlgorithm> digest_algorithm(std::string_view name);

/// A digest of bytes as they come. One thread at a time.
class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);

  void update(std::span<const std::byte> bytes);
  /// As update with `length` zeros; gives up between two steps once `stop` says so.
  void update_zeros(std::uint64_t length, const std::function<bool()>& stop);
  /// The digest in lower-case hex. Errors: Internal where OpenSSL refuses the algorithm.
  Result<std::string> finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool good_;
};

}  // namespace vmlift
