// A hostile XML document, read with care, and the account of which of its leaves were
// understood. A leaf is an attribute or an element without child elements.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vm/aspect.hpp"
#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vm {

/// The name behind the colon.
std::string_view local_name(std::string_view name);
inline std::string_view local_name(pugi::xml_node node) { return local_name(node.name()); }

/// The first child element of that local name, whatever its prefix.
pugi::xml_node child_of(pugi::xml_node parent, std::string_view name);
std::vector<pugi::xml_node> children_of(pugi::xml_node parent, std::string_view name);
/// An attribute by its local name: OVF allows it with and without the prefix.
pugi::xml_attribute attribute_of(pugi::xml_node node, std::string_view name);
std::string_view text_of(pugi::xml_node node);

class XmlDocument {
 public:
  /// Errors: BadXml for malformed text and for a DOCTYPE, with line and offset; Limit.
  static Result<XmlDocument> parse(std::string_view text, const Limits& limits);

  pugi::xml_node root() const { return document_->document_element(); }
  std::size_t line(std::ptrdiff_t offset) const;
  std::size_t line(pugi::xml_node node) const { return line(node.offset_debug()); }

  /// A machine of the definition, or none: the keys of the document as a whole.
  static constexpr std::size_t kNoMachine = static_cast<std::size_t>(-1);
  /// Whose the claims that follow are.
  void claim_for(std::size_t machine) { machine_ = machine; }

  /// Says what a leaf is about. The first claim counts.
  void claim(pugi::xml_node element, Aspect aspect, std::uint32_t device = 0);
  void claim(pugi::xml_attribute attribute, Aspect aspect, std::uint32_t device = 0);
  /// The leaf goes into the report under a name of its own (an ExtraConfig's key).
  void claim_as(pugi::xml_node element, std::string key, std::string value, Aspect aspect,
                std::uint32_t device = 0);
  /// Every leaf below `element` that has no claim yet.
  void claim_rest(pugi::xml_node element, Aspect aspect, std::uint32_t device = 0,
                  std::string note = {});

  /// Hands every leaf to `add`, in the document's order, with its machine. Leaves without a
  /// claim are Aspect::unknown and belong to the machine of their nearest claimed neighbour
  /// above, `owner` saying which subtree is whose.
  using Add = std::function<void(std::size_t machine, SourceKey key)>;
  void account(const Add& add, const std::unordered_map<const void*, std::size_t>& owner) const;

 private:
  struct Claim {
    Aspect aspect{};
    std::uint32_t device = 0;
    std::size_t machine = kNoMachine;
    std::string key;  ///< instead of the path
    std::string value;
    std::string note;
  };

  XmlDocument() = default;

  /// pugixml parses in place and points into it, so it must not move with the document: a short
  /// std::string would.
  std::vector<char> text_;
  std::vector<std::size_t> line_starts_;
  std::unique_ptr<pugi::xml_document> document_;
  std::unordered_map<const void*, Claim> claims_;
  std::size_t machine_ = kNoMachine;
};

}  // namespace vmlift::vm
