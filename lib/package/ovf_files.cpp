#include "package/ovf_files.hpp"

#include <vector>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "io/concatenated_file.hpp"
#include "io/spooled_file.hpp"
#include "vm/scalar.hpp"
#include "vm/xml_document.hpp"

namespace vmlift {
namespace {

Result<std::optional<std::uint64_t>> number_of(pugi::xml_node file, std::string_view attribute) {
  const auto found = vm::attribute_of(file, attribute);
  if (!found) return std::nullopt;
  const auto number = vm::parse_unsigned(found.value());
  if (!number) {
    return fail(ErrorCode::BadOvf, "the {} of the File '{}' is no number: '{}'", attribute,
                printable(vm::attribute_of(file, "href").value()), printable(found.value()));
  }
  return *number;
}

/// The chunks of a file, one behind the other. All but the last are as long as the OVF says.
Result<std::shared_ptr<File>> join_chunks(std::string_view href, std::uint64_t chunk_size,
                                          const OpenStored& open, const Limits& limits) {
  std::vector<std::shared_ptr<File>> chunks;
  std::uint64_t last = chunk_size;
  for (;;) {
    const std::string name = chunk_name(href, chunks.size());
    auto chunk = open(name);
    if (!chunk) {
      const bool end = chunk.error().code() == ErrorCode::MissingExtent && !chunks.empty();
      if (end) break;
      return chunk;
    }
    if (last != chunk_size) {
      return fail(ErrorCode::Corrupt,
                  "the chunk '{}' has {} bytes and is not the last; the OVF says {}",
                  chunk_name(href, chunks.size() - 1), last, chunk_size);
    }
    if (chunks.size() >= limits.members) {
      return fail(ErrorCode::Limit, "'{}' has more than {} chunks", printable(href),
                  limits.members);
    }
    VMLIFT_TRY(last, (*chunk)->size());
    chunks.push_back(*std::move(chunk));
  }
  if (last > chunk_size) {
    return fail(ErrorCode::Corrupt, "the chunk '{}' has {} bytes; the OVF says {}",
                chunk_name(href, chunks.size() - 1), last, chunk_size);
  }
  const std::string first = chunks.front()->path();
  // Known by the name of the whole: ".000000000" taken off.
  return ConcatenatedFile::create(std::move(chunks), first.substr(0, first.size() - 10));
}

}  // namespace

Result<OvfStorages> ovf_storages(std::string_view text, const Limits& limits) {
  VMLIFT_TRY(const vm::XmlDocument document, vm::XmlDocument::parse(text, limits));
  OvfStorages storages;
  for (const auto references : vm::children_of(document.root(), "References")) {
    for (const auto file : vm::children_of(references, "File")) {
      OvfStorage storage;
      storage.compression = vm::attribute_of(file, "compression").value();
      VMLIFT_TRY(storage.chunk_size, number_of(file, "chunkSize"));
      if (storage.chunk_size == 0) {
        return fail(ErrorCode::BadOvf, "a File is cut into chunks of 0 bytes");
      }
      const bool plain = storage.compression.empty() || storage.compression == "identity";
      if (plain && !storage.chunk_size) continue;
      VMLIFT_TRY(storage.size, number_of(file, "size"));
      storages.emplace(vm::percent_decoded(vm::attribute_of(file, "href").value()), storage);
    }
  }
  return storages;
}

std::string chunk_name(std::string_view href, std::uint64_t number) {
  return fmt::format("{}.{:09}", href, number);
}

Result<std::shared_ptr<File>> open_as_it_was(std::string_view href, const OvfStorage& storage,
                                             const OpenStored& open, const Limits& limits) {
  const bool compressed = !storage.compression.empty() && storage.compression != "identity";
  if (compressed && storage.compression != "gzip") {
    return fail(ErrorCode::UnsupportedFeature,
                "'{}' is compressed with '{}'; the OVF standard and vmlift know gzip",
                printable(href), printable(storage.compression));
  }
  VMLIFT_TRY(auto stored, storage.chunk_size ? join_chunks(href, *storage.chunk_size, open, limits)
                                             : open(href));
  VMLIFT_TRY(const std::uint64_t stored_size, stored->size());
  auto file = std::move(stored);
  if (compressed) {
    VMLIFT_TRY(file, SpooledFile::create(std::move(file), Wrapping::gzip, limits));
  }
  // The standard means the size as stored; exporters also write the size before compression.
  if (storage.size && *storage.size != stored_size) {
    VMLIFT_TRY(const std::uint64_t plain_size, file->size());
    if (*storage.size != plain_size) {
      return fail(ErrorCode::Corrupt, "'{}' has {} bytes ({} expanded); the OVF says {}",
                  printable(href), stored_size, plain_size, *storage.size);
    }
  }
  return file;
}

}  // namespace vmlift
