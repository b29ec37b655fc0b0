// Single values as definitions write them: numbers, booleans, UUIDs, MACs. Everything here is
// total: what cannot be read is nothing, and the caller says which key it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vmlift/vm_model.hpp"

namespace vmlift::vm {

std::string_view trim(std::string_view text);
/// ASCII only: keys of definitions are, and a locale must not change how they compare.
std::string lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
bool contains_ignoring_case(std::string_view text, std::string_view part);

/// Decimal digits only, within 64 bits.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
std::optional<std::int64_t> parse_signed(std::string_view text);
/// TRUE, yes, on, 1, T and their opposites, in any case.
std::optional<bool> parse_bool(std::string_view text);

/// Any text with exactly 32 hexadecimal digits between spaces, hyphens and braces.
std::optional<Uuid> parse_uuid(std::string_view text);

/// Six pairs with ':' or '-' between them, or twelve digits, as "00:50:56:01:02:03".
std::optional<std::string> parse_mac(std::string_view text);
/// Whether a (normalised) MAC is of a group: no NIC can have it.
bool is_multicast(std::string_view mac);
/// VMware's own ranges tell how a MAC came about.
Nic::MacClass mac_class_of(std::string_view mac);

/// The last component of a path of any system, and that without its last extension.
std::string_view file_name_of(std::string_view path);
std::string_view stem_of(std::string_view path);

/// `text` as a file name that is safe everywhere: no separators, no control characters, never
/// empty, "." or "..".
std::string safe_file_name(std::string_view text);

/// "%2f" and the like decoded; a '%' that starts no pair of digits stays.
std::string percent_decoded(std::string_view text);
std::string percent_encoded(std::string_view path);

}  // namespace vmlift::vm
