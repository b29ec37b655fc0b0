#include "codec/digest.hpp"

#include <algorithm>
#include <array>

#include "base/fail.hpp"

namespace vmlift {
namespace {

const EVP_MD* evp(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::sha1:
      return EVP_sha1();
    case DigestAlgorithm::sha256:
      return EVP_sha256();
    case DigestAlgorithm::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::string_view digest_name(DigestAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case DigestAlgorithm::sha1:
      return "SHA1";
    case DigestAlgorithm::sha512:
      return "SHA512";
    default:
      return "SHA256";
  }
}

std::optional<DigestAlgorithm> digest_algorithm(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-') plain += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (plain == "sha1") return DigestAlgorithm::sha1;
  if (plain == "sha256") return DigestAlgorithm::sha256;
  if (plain == "sha512") return DigestAlgorithm::sha512;
  return std::nullopt;
}

Digest::Digest(DigestAlgorithm algorithm) : context_(EVP_MD_CTX_new()) {
  good_ = context_ && EVP_DigestInit_ex(context_.get(), evp(algorithm), nullptr) == 1;
}

void Digest::update(std::span<const std::byte> bytes) {
  good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

void Digest::update_zeros(std::uint64_t length, const std::function<bool()>& stop) {
  static constexpr std::array<std::byte, 65536> kZeros{};
  while (length > 0 && !stop()) {
    const auto step = std::min<std::uint64_t>(length, kZeros.size());
    update(std::span(kZeros).first(step));
    length -= step;
  }
}

Result<std::string> Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned size = 0;
  if (!good_ || EVP_DigestFinal_ex(context_.get(), value.data(), &size) != 1) {
    return fail(ErrorCode::Internal, "the cryptographic library refuses the digest");
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", value[i]);
  return hex;
}

}  // namespace vmlift
