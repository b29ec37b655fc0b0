// YAML out of a tree of values. Strings are always quoted as JSON quotes them, which YAML reads
// the same way: no text can be taken for a number, a boolean or markup.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vmlift::vm {

std::string to_yaml(const nlohmann::ordered_json& tree);

}  // namespace vmlift::vm
