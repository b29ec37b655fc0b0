#include "package/contents.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "io/archive.hpp"
#include "io/source.hpp"
#include "io/spooled_file.hpp"

namespace vmlift {
namespace {

constexpr std::size_t kHeadLength = 512;

/// The only file of a folder that defines a machine.
Result<std::string> definition_in(const std::string& folder) {
  std::error_code problem;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (has_extension(name, ".ovf") || has_extension(name, ".vmx")) found.push_back(name);
  }
  if (problem) return std::unexpected(os_error(problem.value(), "reading the folder").in(folder));
  if (found.size() == 1) return folder + "/" + found.front();
  std::ranges::sort(found);
  std::string names;
  for (const std::string& name : found) names += (names.empty() ? "" : ", ") + name;
  return std::unexpected(
      found.empty() ? error(ErrorCode::NotFound, "the folder holds no .ovf and no .vmx").in(folder)
                    : error(ErrorCode::InvalidArgument,
                            "the folder holds several definitions, name one: {}", names)
                          .in(folder));
}

Result<Contents> contents_of_archive(std::shared_ptr<File> file, const Limits& limits) {
  Contents contents;
  contents.location = file->path();
  contents.archive = true;
  VMLIFT_TRY(const auto archive, Archive::open(std::move(file), limits));
  const TarMember* descriptor = nullptr;
  for (const TarMember& member : archive->members()) {
    // ._NAME holds what macOS keeps beside NAME.
    if (!has_extension(member.name, ".ovf") || base_name(member.name).starts_with("._")) continue;
    if (descriptor != nullptr) {
      return std::unexpected(error(ErrorCode::BadArchive, "it holds two descriptors, '{}' and '{}'",
                                   descriptor->name, member.name)
                                 .in(contents.location));
    }
    descriptor = &member;
  }
  if (descriptor == nullptr) {
    return std::unexpected(error(ErrorCode::BadArchive, "it holds no .ovf among its {} members",
                                 archive->members().size())
                               .in(contents.location));
  }
  contents.definition_name = base_name(descriptor->name);
  contents.inside =
      descriptor->name.substr(0, descriptor->name.size() - contents.definition_name.size());
  for (const TarMember& member : archive->members()) {
    if (!member.name.starts_with(contents.inside)) continue;
    contents.files.push_back({member.name.substr(contents.inside.size()), member.data.length});
  }
  VMLIFT_TRY(const auto text, archive->open_member(descriptor->name));
  VMLIFT_TRY(contents.definition_text, read_text(*text, limits.xml));
  contents.folder = text->beside();
  return contents;
}

}  // namespace

std::string Contents::location_of(std::string_view name) const {
  if (archive) return fmt::format("{}!{}{}", location, inside, name);
  if (name.starts_with('/')) return std::string(name);
  return fmt::format("{}/{}", folder_of(location), name);
}

Result<Contents> open_contents(const std::string& location, const Limits& limits) {
  std::error_code ignored;
  if (std::filesystem::is_directory(location, ignored)) {
    VMLIFT_TRY(const std::string definition, definition_in(location));
    return open_contents(definition, limits);
  }
  VMLIFT_TRY(auto stored, open_source(location, {.limits = limits}));
  // An .ova may be compressed under its plain name. A package is never a raw disk: its first
  // bytes may be believed.
  VMLIFT_TRY(auto file, expand_by_bytes(std::move(stored), limits));
  std::array<std::byte, kHeadLength> buffer{};
  VMLIFT_TRY(const std::size_t got, file->read_some(0, buffer));
  const auto head = std::span(buffer).first(got);
  if (as_text(head).starts_with("PK\x03\x04")) {
    return std::unexpected(
        error(ErrorCode::UnsupportedFeature, "it is a zip archive; unpack it first").in(location));
  }
  if (is_tar(head)) return contents_of_archive(std::move(file), limits);
  if (has_extension(location, ".ova")) {
    return std::unexpected(got < kHeadLength
                               ? error(ErrorCode::Truncated, "the archive ends in its first header")
                                     .at(got)
                                     .in(location)
                               : error(ErrorCode::BadArchive, "it is no tar archive, as an OVA is")
                                     .at(0)
                                     .in(location));
  }
  Contents contents;
  contents.location = location;
  contents.definition_name = base_name(location);
  VMLIFT_TRY(contents.definition_text, read_text(*file, std::max(limits.xml, limits.vmx)));
  contents.folder = folder_around(*file);
  return contents;
}

Result<std::string> read_text(const File& file, std::uint64_t limit) {
  VMLIFT_TRY(const std::uint64_t size, file.size());
  if (size > limit) {
    return std::unexpected(
        error(ErrorCode::Limit, "it has {} bytes, allowed are {}", size, limit).in(file.path()));
  }
  std::string text(size, '\0');
  VMLIFT_CHECK(file.read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

bool has_extension(std::string_view name, std::string_view extension) {
  if (name.size() <= extension.size()) return false;
  return std::ranges::equal(name.substr(name.size() - extension.size()), extension, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
}

std::string_view stem_of(std::string_view name) {
  const std::size_t dot = base_name(name).rfind('.');
  if (dot == std::string_view::npos || dot == 0) return name;
  return name.substr(0, name.size() - base_name(name).size() + dot);
}

}  // namespace vmlift
