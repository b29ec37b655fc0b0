// Reads a domain into a machine: one member for each element. The parts lie in read_*.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/xml_document.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

class DomainReader {
 public:
  DomainReader(XmlDocument& document, Machine& machine)
      : document_(document), machine_(machine), domain_(document.root()) {}

  Result<void> read();

 private:
  std::unexpected<Error> bad(pugi::xml_node at, std::string_view what) const;
  /// The text of a child element, which is claimed.
  std::string_view take(pugi::xml_node parent, const char* name, Aspect aspect,
                        std::uint32_t device = 0);
  void rest(const char* name, Aspect aspect);
  Result<void> identity();
  /// Our own notes in a domain bring back what the domain itself cannot say.
  void metadata(const std::string& title);
  Result<std::uint64_t> bytes(pugi::xml_node node) const;
  Result<void> memory();
  Result<void> processors();
  void firmware();
  void features();
  Result<void> clock();
  // Devices.
  Result<void> devices();
  Result<void> device(pugi::xml_node node, std::string_view name);
  /// "sdc" is the third: drives without an address are placed by their names.
  static std::uint32_t number_of(std::string_view target);
  static Address address_of(pugi::xml_node node, Bus bus, std::string_view target);
  Result<void> disk(pugi::xml_node node);
  static std::optional<std::string> source_of(pugi::xml_node node);
  Result<void> hard_disk(pugi::xml_node node, const Address& address,
                         const std::optional<std::string>& source,
                         std::optional<std::uint32_t> boot);
  Result<void> interface(pugi::xml_node node);
  void controller(pugi::xml_node node);
  void port(pugi::xml_node node, std::vector<Port>& ports, Aspect aspect);
  void video(pugi::xml_node node);
  void hostdev(pugi::xml_node node);
  XmlDocument& document_;
  Machine& machine_;
  pugi::xml_node domain_;
  std::string type_;
  std::map<std::string, std::string, std::less<>> nic_names_;  ///< by MAC
};

}  // namespace vmlift::vm
