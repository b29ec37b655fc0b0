#include "vm/xml_document.hpp"

#include <doctest/doctest.h>

using namespace vmlift;
using namespace vmlift::vm;

namespace {
ErrorCode refusal(std::string_view text) {
  const auto document = XmlDocument::parse(text, Limits{});
  REQUIRE_FALSE(document.has_value());
  return document.error().code();
}
}  // namespace

TEST_SUITE("vm XML") {
  TEST_CASE("a DOCTYPE is refused wherever it stands") {
    CHECK(refusal("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>") ==
          ErrorCode::BadXml);
    CHECK(refusal("<?xml version='1.0'?><!-- c --><!DOCTYPE a><a/>") == ErrorCode::BadXml);
    CHECK(refusal("<a><!ELEMENT b></a>") == ErrorCode::BadXml);
    const auto commented =
        XmlDocument::parse("<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE]]></a>", Limits{});
    CHECK(commented.has_value());
  }

  TEST_CASE("malformed documents are refused with their place") {
    CHECK(refusal("") == ErrorCode::BadXml);
    CHECK(refusal("just text") == ErrorCode::BadXml);
    CHECK(refusal("<a><b></a>") == ErrorCode::BadXml);
    CHECK(refusal("<a/><b/>") == ErrorCode::BadXml);
    CHECK(refusal("<a x='1></a>") == ErrorCode::BadXml);
    CHECK(refusal("<a>\xff</a>") == ErrorCode::BadXml);
    CHECK(refusal(std::string_view("<a>\0</a>", 8)) == ErrorCode::BadXml);
    CHECK(refusal("<a><!-- never closed </a>") == ErrorCode::BadXml);
    const auto late = XmlDocument::parse("<a>\n\n<!DOCTYPE b></a>", Limits{});
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().message().find("line 3") != std::string::npos);
    CHECK(late.error().offset() == 5);
  }

  TEST_CASE("depth, size and number of nodes have limits that hold before anything is built") {
    std::string deep;
    for (int level = 0; level < 1'000'000; ++level) deep += "<a>";
    CHECK(refusal(deep) == ErrorCode::Limit);
    std::string wide = "<a>";
    for (int brother = 0; brother < 300'000; ++brother) wide += "<b/>";
    CHECK(refusal(wide + "</a>") == ErrorCode::Limit);
    CHECK(refusal(std::string((16u << 20) + 1, ' ')) == ErrorCode::Limit);
  }

  TEST_CASE("other encodings are read as what they say") {
    const auto latin = XmlDocument::parse(
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>gr\xfc\xdf</a>", Limits{});
    REQUIRE(latin);
    CHECK(text_of(latin->root()) == "gr\xc3\xbc\xc3\x9f");
    std::string wide = "\xff\xfe";
    for (const char c : std::string_view("<a>x</a>")) wide += {c, '\0'};
    const auto utf16 = XmlDocument::parse(wide, Limits{});
    REQUIRE(utf16);
    CHECK(text_of(utf16->root()) == "x");
  }

  TEST_CASE("every leaf is accounted for, claimed or not") {
    auto document = XmlDocument::parse("<r v='1'><a id='k'><b>x</b><b>y</b></a><c/></r>", Limits{});
    REQUIRE(document);
    document->claim(child_of(document->root(), "c"), Aspect::name);
    std::vector<std::string> keys;
    int unknown = 0;
    document->account(
        [&](std::size_t, SourceKey key) {
          keys.push_back(key.key);
          unknown += key.aspect == Aspect::unknown;
        },
        {});
    CHECK(keys == std::vector<std::string>{"@v", "a[k]/@id", "a[k]/b[0]", "a[k]/b[1]", "c"});
    CHECK(unknown == 4);
  }
}
