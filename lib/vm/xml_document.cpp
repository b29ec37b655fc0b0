#include "vm/xml_document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.hpp"
#include "vm/encoding.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

// pugixml has about a hundred bytes for an element and forty for an attribute.
constexpr std::size_t kMostNodes = 150'000;

/// Walks over the markup once, before the parser allocates or recurses: depth, number of
/// nodes, and no document type. Entity declarations live in a DOCTYPE only.
class MarkupScanner {
 public:
  MarkupScanner(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Result<void> scan() {
    while ((at_ = text_.find('<', at_)) != std::string_view::npos) {
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("<!--")) {
        VMLIFT_CHECK(skip_to("-->", "comment"));
      } else if (rest.starts_with("<![CDATA[")) {
        VMLIFT_CHECK(skip_to("]]>", "CDATA section"));
      } else if (rest.starts_with("<?")) {
        VMLIFT_CHECK(skip_to("?>", "processing instruction"));
      } else if (rest.starts_with("<!")) {
        return bad("a DOCTYPE or other declaration is not accepted");
      } else {
        VMLIFT_CHECK(tag());
      }
    }
    at_ = text_.size();
    if (depth_ != 0) return bad("the document ends inside an element");
    if (roots_ != 1) return bad("the document has no single root element");
    return {};
  }

 private:
  std::unexpected<Error> bad(std::string_view what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n');
    return std::unexpected(error(ErrorCode::BadXml, "line {}: {}", line, what).at(at_));
  }

  Result<void> skip_to(std::string_view end, std::string_view what) {
    const auto found = text_.find(end, at_ + 2);
    if (found == std::string_view::npos) return bad(fmt::format("a {} without an end", what));
    at_ = found + end.size();
    return {};
  }

  Result<void> tag() {
    const bool closing = text_.substr(at_, 2) == "</";
    std::size_t end = at_ + 1;
    char quote = 0;
    for (; end < text_.size() && (quote != 0 || text_[end] != '>'); ++end) {
      const char c = text_[end];
      if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
        ++nodes_;
      } else if (c == quote) {
        quote = 0;
      } else if (c == '<') {
        return bad("'<' inside a tag");
      }
    }
    if (end >= text_.size()) return bad("a tag without an end");
    if (closing) {
      if (depth_ == 0) return bad("an end tag without a start");
      --depth_;
    } else {
      ++nodes_;
      if (depth_ == 0) ++roots_;
      if (depth_ >= limits_.xml_depth) {
        return fail(ErrorCode::Limit, "an XML document deeper than {} elements", limits_.xml_depth);
      }
      if (text_[end - 1] != '/') ++depth_;
    }
    if (nodes_ > kMostNodes)
      return fail(ErrorCode::Limit, "an XML document of more than {} nodes", kMostNodes);
    at_ = end + 1;
    return {};
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
  std::size_t roots_ = 0;
};

/// The encoding of the XML declaration, "" for none.
std::string declared_encoding(std::string_view text) {
  if (!text.starts_with("<?xml")) return {};
  const std::string_view declaration = text.substr(0, text.find("?>"));
  const auto at = declaration.find("encoding");
  if (at == std::string_view::npos) return {};
  const auto open = declaration.find_first_of("\"'", at);
  if (open == std::string_view::npos) return {};
  const auto close = declaration.find(declaration[open], open + 1);
  if (close == std::string_view::npos) return {};
  return std::string(declaration.substr(open + 1, close - open - 1));
}

Result<std::string> utf8_document(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) return std::string(text.substr(3));
  const std::string_view head = text.substr(0, 2);
  const bool wide = head == "\xff\xfe" || head == "\xfe\xff" ||
                    (text.size() > 1 && (text[0] == '\0' || text[1] == '\0'));
  std::string encoding = wide ? "UTF-16" : declared_encoding(text);
  if (wide && text[0] == '<') encoding = "UTF-16LE";
  if (wide && text[0] == '\0') encoding = "UTF-16BE";
  if (encoding.empty() || equal_ignoring_case(encoding, "utf-8")) return std::string(text);
  auto converted = to_utf8(text, encoding);
  if (!converted) {
    return fail(ErrorCode::BadXml, "line 1: the encoding \"{}\" is not known",
                printable_utf8(encoding));
  }
  return std::move(*converted);
}

Result<void> check_characters(std::string_view text) {
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return std::unexpected(error(ErrorCode::BadXml, "a NUL byte in an XML document").at(nul));
  if (!is_utf8(text)) return fail(ErrorCode::BadXml, "the document is not in its stated encoding");
  return {};
}

/// What tells an element from its brothers of the same name, where something does.
std::string_view identity_of(pugi::xml_node node) {
  for (std::string_view name : {"InstanceID", "InstanceId"})
    if (const auto child = child_of(node, name)) return trim(text_of(child));
  for (std::string_view name : {"id", "diskId", "name", "key", "dev", "index"})
    if (const auto attribute = attribute_of(node, name)) return attribute.value();
  return {};
}

/// The child elements of a node with the names that paths have for them: by identity where
/// there is one, else counted among brothers of the same name.
std::vector<std::pair<pugi::xml_node, std::string>> named_children(pugi::xml_node parent) {
  std::unordered_map<std::string_view, std::size_t> total;
  for (const auto child : parent.children())
    if (child.type() == pugi::node_element) ++total[local_name(child)];
  std::unordered_map<std::string_view, std::size_t> seen;
  std::vector<std::pair<pugi::xml_node, std::string>> named;
  for (const auto child : parent.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = local_name(child);
    const std::string_view identity = identity_of(child);
    const std::size_t position = seen[name]++;
    if (!identity.empty())
      named.emplace_back(child, fmt::format("{}[{}]", name, identity));
    else if (total[name] > 1)
      named.emplace_back(child, fmt::format("{}[{}]", name, position));
    else
      named.emplace_back(child, name);
  }
  return named;
}

bool has_child_elements(pugi::xml_node node) {
  for (const auto child : node.children())
    if (child.type() == pugi::node_element) return true;
  return false;
}

bool is_namespace(pugi::xml_attribute attribute) {
  const std::string_view name = attribute.name();
  return name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:");
}

}  // namespace

std::string_view local_name(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child_of(pugi::xml_node parent, std::string_view name) {
  for (const auto child : parent.children())
    if (child.type() == pugi::node_element && local_name(child) == name) return child;
  return {};
}

std::vector<pugi::xml_node> children_of(pugi::xml_node parent, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const auto child : parent.children())
    if (child.type() == pugi::node_element && local_name(child) == name) found.push_back(child);
  return found;
}

pugi::xml_attribute attribute_of(pugi::xml_node node, std::string_view name) {
  for (const auto attribute : node.attributes())
    if (!is_namespace(attribute) && local_name(attribute.name()) == name) return attribute;
  return {};
}

std::string_view text_of(pugi::xml_node node) { return node.child_value(); }

Result<XmlDocument> XmlDocument::parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.xml) {
    return fail(ErrorCode::Limit, "an XML document of {} bytes; at most {} are read", text.size(),
                limits.xml);
  }
  XmlDocument result;
  VMLIFT_TRY(const std::string utf8, utf8_document(text));
  VMLIFT_CHECK(check_characters(utf8));
  VMLIFT_CHECK(MarkupScanner(utf8, limits).scan());
  result.line_starts_.push_back(0);
  for (std::size_t at = 0; at < utf8.size(); ++at)
    if (utf8[at] == '\n') result.line_starts_.push_back(at + 1);
  result.text_.assign(utf8.begin(), utf8.end());
  result.document_ = std::make_unique<pugi::xml_document>();
  const pugi::xml_parse_result parsed = result.document_->load_buffer_inplace(
      result.text_.data(), result.text_.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    return std::unexpected(
        error(ErrorCode::BadXml, "line {}: {}", result.line(parsed.offset), parsed.description())
            .at(static_cast<std::uint64_t>(parsed.offset)));
  }
  return result;
}

std::size_t XmlDocument::line(std::ptrdiff_t offset) const {
  if (offset < 0) return 0;
  const auto behind = std::ranges::upper_bound(line_starts_, static_cast<std::size_t>(offset));
  return static_cast<std::size_t>(behind - line_starts_.begin());
}

void XmlDocument::claim(pugi::xml_node element, Aspect aspect, std::uint32_t device) {
  if (element)
    claims_.try_emplace(element.internal_object(), Claim{aspect, device, machine_, {}, {}, {}});
}

void XmlDocument::claim(pugi::xml_attribute attribute, Aspect aspect, std::uint32_t device) {
  if (attribute)
    claims_.try_emplace(attribute.internal_object(), Claim{aspect, device, machine_, {}, {}, {}});
}

void XmlDocument::claim_as(pugi::xml_node element, std::string key, std::string value,
                           Aspect aspect, std::uint32_t device) {
  claims_.try_emplace(element.internal_object(),
                      Claim{aspect, device, machine_, std::move(key), std::move(value), {}});
}

void XmlDocument::claim_rest(pugi::xml_node element, Aspect aspect, std::uint32_t device,
                             std::string note) {
  const Claim claim{aspect, device, machine_, {}, {}, std::move(note)};
  // The depth is bounded by Limits::xml_depth, so this recursion is too.
  const auto walk = [&](auto&& self, pugi::xml_node node) -> void {
    for (const auto attribute : node.attributes())
      claims_.try_emplace(attribute.internal_object(), claim);
    if (!has_child_elements(node)) claims_.try_emplace(node.internal_object(), claim);
    for (const auto child : node.children())
      if (child.type() == pugi::node_element) self(self, child);
  };
  walk(walk, element);
}

void XmlDocument::account(const Add& add,
                          const std::unordered_map<const void*, std::size_t>& owner) const {
  const auto walk = [&](auto&& self, pugi::xml_node node, const std::string& path,
                        std::size_t machine) -> void {
    if (const auto found = owner.find(node.internal_object()); found != owner.end())
      machine = found->second;
    const std::size_t at_line = line(node);
    const auto leaf = [&](const void* object, std::string key, std::string_view value) {
      SourceKey source{std::move(key), std::string(value), at_line, Aspect::unknown, 0, {}};
      std::size_t whose = machine;
      if (const auto claim = claims_.find(object); claim != claims_.end()) {
        source.aspect = claim->second.aspect;
        source.device = claim->second.device;
        source.note = claim->second.note;
        if (claim->second.machine != kNoMachine) whose = claim->second.machine;
        if (!claim->second.key.empty()) {
          source.key = claim->second.key;
          source.value = claim->second.value;
        }
      }
      add(whose, std::move(source));
    };
    const auto claimed = claims_.find(node.internal_object());
    const bool renamed = claimed != claims_.end() && !claimed->second.key.empty();
    if (!renamed) {
      for (const auto attribute : node.attributes())
        if (!is_namespace(attribute))
          leaf(attribute.internal_object(),
               fmt::format("{}{}@{}", path, path.empty() ? "" : "/", local_name(attribute.name())),
               attribute.value());
    }
    const std::string_view text = trim(text_of(node));
    // An element that is nothing but its attributes has been told by them.
    const bool bare = text.empty() && node.first_attribute() && !has_child_elements(node);
    if (renamed || (!has_child_elements(node) && !bare)) leaf(node.internal_object(), path, text);
    if (renamed) return;
    for (const auto& [child, step] : named_children(node))
      self(self, child, path.empty() ? step : fmt::format("{}/{}", path, step), machine);
  };
  // Paths begin below the root, which has a name only for its own attributes.
  walk(walk, root(), {}, kNoMachine);
}

}  // namespace vmlift::vm
