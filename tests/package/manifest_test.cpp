#include <doctest/doctest.h>

#include "support/outcome.hpp"
#include "vmlift/package.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'b');
const std::string kSha512(128, 'c');

Result<Manifest> parse(const std::string& text, const Limits& limits = {}) {
  return Manifest::parse(text, "web.mf", limits);
}

ManifestEntry only_entry(const std::string& text) {
  const Manifest manifest = must(parse(text));
  REQUIRE(manifest.entries.size() == 1);
  return manifest.entries.front();
}

}  // namespace

TEST_SUITE("package") {
  TEST_CASE("a manifest names each file's algorithm and digest") {
    const Manifest manifest =
        must(parse("SHA256(web.ovf)= " + kSha256 + "\nSHA1(a b.vmdk)= " + kSha1 +
                   "\nSHA512(c.vmdk)= " + kSha512 + "\n"));
    REQUIRE(manifest.entries.size() == 3);
    CHECK(manifest.entries[0].file == "web.ovf");
    CHECK(manifest.entries[0].algorithm == DigestAlgorithm::sha256);
    CHECK(manifest.entries[0].digest == kSha256);
    CHECK(manifest.entries[1].file == "a b.vmdk");
    CHECK(manifest.entries[1].algorithm == DigestAlgorithm::sha1);
    CHECK(manifest.entries[2].algorithm == DigestAlgorithm::sha512);
  }

  TEST_CASE("the spellings of all exporters are read") {
    const std::string upper(64, 'B');
    for (const std::string& line :
         {"SHA256(d.vmdk)= " + kSha256, "SHA256(d.vmdk)=" + kSha256, "SHA256 (d.vmdk) = " + kSha256,
          "sha256(d.vmdk)= " + upper, "SHA-256(d.vmdk)= " + kSha256 + "\r",
          "  SHA256(d.vmdk)  =\t" + kSha256 + "  ", "\xef\xbb\xbfSHA256(d.vmdk)= " + kSha256,
          "\n\r\nSHA256(d.vmdk)= " + kSha256 + "\n\n"}) {
      CAPTURE(line);
      const ManifestEntry entry = only_entry(line);
      CHECK(entry.file == "d.vmdk");
      CHECK(entry.algorithm == DigestAlgorithm::sha256);
      CHECK(entry.digest == kSha256);
    }
    CHECK(only_entry("SHA1(odd (1)=2).vmdk)= " + kSha1).file == "odd (1)=2).vmdk");
  }

  TEST_CASE("lines that are no manifest lines are BadManifest and named by their number") {
    for (const std::string& line :
         {std::string("rubbish"), "SHA256 d.vmdk = " + kSha256, "SHA256(d.vmdk) " + kSha256,
          "SHA256(d.vmdk)= " + kSha1, "SHA1(d.vmdk)= " + kSha256, std::string("SHA256(d.vmdk)= "),
          "SHA256()= " + kSha256, "SHA256(d.vmdk)= " + std::string(64, 'g'),
          "(d.vmdk)= " + kSha256 + "=", "=(" + kSha256}) {
      CAPTURE(line);
      const auto parsed = parse("SHA1(ok)= " + kSha1 + "\n" + line + "\n");
      REQUIRE(outcome(parsed) == "BadManifest");
      CHECK(parsed.error().message().find("web.mf, line 2") == 0);
    }
    CHECK(outcome(parse("MD5(d.vmdk)= 0123")) == "UnsupportedFeature");
  }

  TEST_CASE("a file may be listed twice only with the same digest") {
    const std::string line = "SHA1(d.vmdk)= " + kSha1 + "\n";
    CHECK(must(parse(line + line)).entries.size() == 1);
    CHECK(must(parse(line + "SHA256(d.vmdk)= " + kSha256)).entries.size() == 2);
    CHECK(outcome(parse(line + "SHA1(d.vmdk)= " + std::string(40, 'd'))) == "BadManifest");
  }

  TEST_CASE("lines and entries are limited") {
    Limits limits;
    limits.line = 100;
    limits.members = 2;
    CHECK(outcome(parse("SHA1(" + std::string(100, 'x') + ")= " + kSha1, limits)) == "Limit");
    CHECK(outcome(parse("SHA1(1)= " + kSha1 + "\nSHA1(2)= " + kSha1, limits)) == "ok");
    CHECK(outcome(parse("SHA1(1)= " + kSha1 + "\nSHA1(2)= " + kSha1 + "\nSHA1(3)= " + kSha1,
                        limits)) == "Limit");
  }
}
