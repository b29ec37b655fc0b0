// The parts of an OVF that all its machines share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "vm/xml_document.hpp"
#include "vmlift/vm.hpp"

namespace vmlift::vm {

struct OvfFile {
  pugi::xml_node node;
  std::string href;  ///< percent-decoded
};

struct OvfDisk {
  pugi::xml_node node;
  std::string id;
  std::string file;  ///< an OvfFile's id; empty: a blank disk
  std::string parent;
  std::string serial;
  std::string capacity;  ///< a number or ${property}
  std::uint64_t capacity_unit = 1;
};

struct Envelope {
  std::map<std::string, OvfFile, std::less<>> files;
  std::map<std::string, OvfDisk, std::less<>> disks;
  std::map<std::string, pugi::xml_node, std::less<>> networks;
  std::vector<Configuration> configurations;
  std::string selected;  ///< the deployment option in force; empty: there are none
};

/// "line 12: ..." as BadOvf.
std::unexpected<Error> bad_ovf(const XmlDocument& document, pugi::xml_node at,
                               std::string_view what);

/// Whether an element is of a kind, by its name or, in OVF 0.9, by its xsi:type.
bool is_ovf_section(pugi::xml_node node, std::string_view name);

/// The sections of that name: by element name (1.x, 2.x) or xsi:type (0.9).
std::vector<pugi::xml_node> ovf_sections(pugi::xml_node parent, std::string_view name);

/// Errors: BadOvf for what is named twice or has impossible numbers; InvalidArgument for a
/// configuration that the document has not.
Result<Envelope> read_envelope(XmlDocument& document, const ParseOptions& options,
                               Definition& definition);

}  // namespace vmlift::vm
