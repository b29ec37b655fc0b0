#include "formats/vmdk/descriptor.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/fail.hpp"

namespace vmlift::vmdk {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number{};
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (trouble != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Takes the next word off `text`.
std::string_view next_word(std::string_view& text) {
  text = trim(text);
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text.remove_prefix(word.size());
  return word;
}

constexpr std::array kAccessWords = {
    std::pair{std::string_view("rw"), ExtentLine::Access::read_write},
    std::pair{std::string_view("rdonly"), ExtentLine::Access::read_only},
    std::pair{std::string_view("noaccess"), ExtentLine::Access::none},
};

struct TypeWord {
  std::string_view word;
  ExtentLine::Type type;
};
constexpr std::array kTypeWords = {
    TypeWord{"FLAT", ExtentLine::Type::flat},
    TypeWord{"VMFS", ExtentLine::Type::vmfs},
    TypeWord{"SPARSE", ExtentLine::Type::sparse},
    TypeWord{"VMFSSPARSE", ExtentLine::Type::vmfs_sparse},
    TypeWord{"SESPARSE", ExtentLine::Type::se_sparse},
    TypeWord{"VSANSPARSE", ExtentLine::Type::vsan_sparse},
    TypeWord{"ZERO", ExtentLine::Type::zero},
    TypeWord{"VMFSRDM", ExtentLine::Type::raw_mapping},
    TypeWord{"VMFSRAW", ExtentLine::Type::raw_device},
};

// Every type a product has written, with the older spellings.
constexpr std::array<std::string_view, 22> kCreateTypes = {
    "monolithicsparse",
    "monolithicflat",
    "twogbmaxextentsparse",
    "twogbmaxextentflat",
    "2gbmaxextentsparse",
    "2gbmaxextentflat",
    "streamoptimized",
    "vmfs",
    "vmfsthin",
    "vmfspreallocated",
    "vmfseagerzeroedthick",
    "vmfssparse",
    "sesparse",
    "vsansparse",
    "custom",
    "fulldevice",
    "partitioneddevice",
    "vmfsrdm",
    "vmfsrdmp",
    "vmfsraw",
    "vmfsrawdevicemap",
    "vmfspassthroughrawdevicemap",
};

class Parser {
 public:
  explicit Parser(const Limits& limits) : limits_(limits) {}

  Result<Descriptor> parse(std::string_view text) {
    // An embedded descriptor is padded with NULs to its sectors.
    text = text.substr(0, text.find('\0'));
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (end > limits_.line) {
        return fail(ErrorCode::Limit, "line {} of the descriptor is longer than {} bytes", line_,
                    limits_.line);
      }
      VMLIFT_CHECK(take_line(trim(text.substr(0, end))));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    VMLIFT_CHECK(judge());
    return std::move(descriptor_);
  }

 private:
  Result<void> take_line(std::string_view line) {
    if (line.empty() || line.front() == '#') return {};
    std::string_view rest = line;
    const std::string first = lower(next_word(rest));
    for (const auto& [word, access] : kAccessWords) {
      if (first == word) return take_extent(access, rest);
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::BadDescriptor,
                  "line {} of the descriptor is neither an extent nor a setting", line_);
    }
    return take_setting(lower(trim(line.substr(0, equals))),
                        unquote(trim(line.substr(equals + 1))));
  }

  Result<void> take_extent(ExtentLine::Access access, std::string_view rest) {
    if (descriptor_.extents.size() >= limits_.extents) {
      return fail(ErrorCode::Limit, "the descriptor has more than {} extents", limits_.extents);
    }
    const auto wrong = [&](std::string_view why) {
      return fail(ErrorCode::BadDescriptor, "the extent in line {} of the descriptor {}", line_,
                  why);
    };
    ExtentLine extent{.access = access, .line = line_};
    const auto sectors = parse_number<std::uint64_t>(next_word(rest), 10);
    if (!sectors) return wrong("has no size in sectors");
    extent.sectors = *sectors;
    const std::string type = lower(next_word(rest));
    const auto known = std::ranges::find_if(
        kTypeWords, [&](const TypeWord& each) { return lower(each.word) == type; });
    if (known == kTypeWords.end()) return wrong("has a type that no product writes");
    extent.type = known->type;

    rest = trim(rest);
    if (!rest.empty() && rest.front() == '"') {
      // The name may hold quotes itself: it ends at the last one.
      const std::size_t end = rest.rfind('"');
      if (end == 0) return wrong("has a file name without a closing quote");
      extent.file = rest.substr(1, end - 1);
      rest = trim(rest.substr(end + 1));
    }
    if (extent.file.size() > limits_.name) {
      return fail(ErrorCode::Limit, "the file name in line {} is longer than {} bytes", line_,
                  limits_.name);
    }
    const std::string_view offset_word = next_word(rest);
    if (!offset_word.empty()) {
      const auto offset = parse_number<std::uint64_t>(offset_word, 10);
      if (!offset) return wrong("has an offset that is no number");
      extent.offset = *offset;
    }
    const bool needs_file = extent.type != ExtentLine::Type::zero;
    if (needs_file && extent.file.empty() && access != ExtentLine::Access::none) {
      return wrong("names no file");
    }
    if (extent.type == ExtentLine::Type::flat && offset_word.empty() &&
        access != ExtentLine::Access::none) {
      return wrong("is FLAT and has no offset");
    }
    if (extent.type != ExtentLine::Type::flat && extent.offset != 0) {
      return wrong("has an offset, which only a FLAT extent may have");
    }
    descriptor_.extents.push_back(std::move(extent));
    return {};
  }

  Result<void> take_setting(const std::string& key, std::string_view value) {
    const auto wrong = [&] {
      return fail(ErrorCode::BadDescriptor, "line {} of the descriptor has a bad value for {}",
                  line_, key.substr(0, 40));
    };
    if (key == "version") {
      const auto version = parse_number<std::uint32_t>(value, 10);
      if (!version) return wrong();
      if (*version < 1 || *version > 4) {
        return fail(ErrorCode::UnsupportedVersion, "descriptor version {}; known are 1 to 4",
                    *version);
      }
      descriptor_.version = *version;
    } else if (key == "cid" || key == "parentcid") {
      const auto id = parse_number<std::uint32_t>(value, 16);
      if (!id) return wrong();
      (key == "cid" ? descriptor_.cid : descriptor_.parent_cid) = *id;
    } else if (key == "createtype") {
      if (std::ranges::find(kCreateTypes, lower(value)) == kCreateTypes.end()) return wrong();
      descriptor_.create_type = value;
    } else if (key == "parentfilenamehint") {
      if (value.size() > limits_.name) {
        return fail(ErrorCode::Limit, "the parent's name is longer than {} bytes", limits_.name);
      }
      descriptor_.parent_hint = value;
    } else if (key == "encoding" || key == "ddb.encoding") {
      descriptor_.encoding = value;
    } else if (key.starts_with("ddb.")) {
      descriptor_.database[key] = value;
    } else if (key == "keysafe" || key.starts_with("encryption.")) {
      return fail(ErrorCode::Encrypted, "the disk is encrypted; decrypt it in VMware first");
    }
    return {};  // products add settings; unknown ones carry no data
  }

  Result<void> judge() const {
    if (descriptor_.create_type.empty()) {
      return fail(ErrorCode::BadDescriptor, "the descriptor has no createType");
    }
    if (descriptor_.has_parent() && descriptor_.parent_hint.empty()) {
      return fail(ErrorCode::BadDescriptor,
                  "the descriptor has a parent with CID {:08x} and does not name it",
                  descriptor_.parent_cid);
    }
    return {};
  }

  const Limits& limits_;
  Descriptor descriptor_;
  std::size_t line_ = 0;
};

}  // namespace

bool is_descriptor(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    const std::string line = lower(trim(head.substr(0, end)));
    if (line.starts_with("# disk descriptorfile")) return true;
    if (line.find('\0') != std::string::npos) return false;
    if (!line.empty() && line.front() != '#') {
      // Files edited by hand may have lost the first line; the version stays.
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos ||
          trim(std::string_view(line).substr(0, equals)) != "version") {
        return false;
      }
      const auto version =
          parse_number<std::uint32_t>(trim(std::string_view(line).substr(equals + 1)), 10);
      return version && *version >= 1 && *version <= 4;
    }
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return false;
}

Result<Descriptor> parse_descriptor(std::string_view text, const Limits& limits) {
  return Parser(limits).parse(text);
}

std::string_view type_word(ExtentLine::Type type) {
  return std::ranges::find(kTypeWords, type, &TypeWord::type)->word;
}

}  // namespace vmlift::vmdk
