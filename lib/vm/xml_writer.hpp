// Building XML out of untrusted text: what XML cannot hold is replaced before it gets in.
#pragma once

#include <initializer_list>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "vm/encoding.hpp"

namespace vmlift::vm {

using XmlAttributes = std::initializer_list<std::pair<const char*, std::string_view>>;

inline pugi::xml_node add_element(pugi::xml_node parent, const char* name,
                                  XmlAttributes attributes = {}) {
  pugi::xml_node node = parent.append_child(name);
  for (const auto& [key, value] : attributes)
    node.append_attribute(key).set_value(printable_utf8(value).c_str());
  return node;
}

inline pugi::xml_node add_text(pugi::xml_node parent, const char* name, std::string_view text,
                               XmlAttributes attributes = {}) {
  pugi::xml_node node = add_element(parent, name, attributes);
  node.text().set(printable_utf8(text).c_str());
  return node;
}

inline std::string xml_text(const pugi::xml_document& document) {
  struct Writer : pugi::xml_writer {
    std::string text;
    void write(const void* data, std::size_t size) override {
      // A carriage return of a text must be a reference, or readers take it for a line's end.
      for (const char c : std::string_view(static_cast<const char*>(data), size))
        c == '\r' ? text.append("&#13;") : text.append(1, c);
    }
  } writer;
  document.save(writer, "  ", pugi::format_indent, pugi::encoding_utf8);
  return writer.text;
}

}  // namespace vmlift::vm
