// What a target host can do, as libvirt's domcapabilities XML tells it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"

namespace vmlift::vm {

class Capabilities {
 public:
  /// Nothing known: everything is allowed.
  Capabilities() = default;
  /// Errors: BadXml, Limit.
  static Result<Capabilities> parse(std::string_view xml, const Limits& limits);

  bool known() const { return known_; }
  /// Whether `value` is among what the host offers: allows("disk/bus", "sata"). True where the
  /// host says nothing about it.
  bool allows(std::string_view what, std::string_view value) const;
  /// The machine type the document is about: "pc-q35-7.2"; empty if not known.
  const std::string& machine() const { return machine_; }

 private:
  bool known_ = false;
  std::string machine_;
  std::map<std::string, std::set<std::string>, std::less<>> values_;
};

}  // namespace vmlift::vm
