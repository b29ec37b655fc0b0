#include "vm/kubevirt/yaml.hpp"

#include <algorithm>

namespace vmlift::vm {
namespace {

using Json = nlohmann::ordered_json;

/// JSON leaves DEL and the controls behind it as they are; YAML wants them escaped.
std::string scalar(const Json& value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string json = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto byte = static_cast<unsigned char>(json[at]);
    const bool control =
        byte == 0xc2 && at + 1 < json.size() && static_cast<unsigned char>(json[at + 1]) < 0xa0;
    if (control || byte == 0x7f) {
      const auto code = control ? static_cast<unsigned char>(json[++at]) : byte;
      text += "\\x";
      text += kDigits[code >> 4];
      text += kDigits[code & 15];
    } else {
      text += json[at];
    }
  }
  return text;
}

/// Plain where no reader can take it for anything but a word: "y", "no" and the like are
/// booleans to readers of YAML 1.1, and no key that short is plain here.
std::string key_text(const std::string& key) {
  const bool plain = key.size() > 5 && key.front() >= 'A' && std::ranges::all_of(key, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-';
                     });
  constexpr std::string_view kShort[] = {
      "kind",  "name",  "spec", "cpu",   "efi",   "bios",  "uuid",  "disk",  "bus",   "pod",
      "cdrom", "guest", "type", "model", "cores", "state", "clock", "disks", "tpm",   "rng",
      "utc",   "timer", "hpet", "pit",   "rtc",   "acpi",  "smm",   "sound", "video", "pvc"};
  return plain || std::ranges::find(kShort, key) != std::end(kShort) ? key : scalar(key);
}

void write(const Json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, child] : value.items()) {
      out += margin + key_text(key) + ":";
      const bool block = child.is_structured() && !child.empty();
      out += block ? "\n" : " ";
      if (block)
        write(child, indent + 2, out);
      else
        out += scalar(child) + "\n";
    }
  } else if (value.is_array() && !value.empty()) {
    for (const auto& child : value) {
      if (!child.is_structured() || child.empty()) {
        out += margin + "- " + scalar(child) + "\n";
        continue;
      }
      // The first line of the block moves up beside its dash.
      std::string block;
      write(child, indent + 2, block);
      block[indent] = '-';
      out += block;
    }
  } else {
    out += margin + scalar(value) + "\n";
  }
}

}  // namespace

std::string to_yaml(const Json& tree) {
  std::string out;
  write(tree, 0, out);
  return out;
}

}  // namespace vmlift::vm
