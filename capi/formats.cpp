// The table of formats.
#include <vmlift/format.hpp>

#include "border.hpp"

namespace {

const vmlift::Format* format_at(size_t index) {
  const auto formats = vmlift::formats();
  return index < formats.size() ? formats[index] : nullptr;
}

}  // namespace

using namespace vmlift::capi;

size_t vmlift_format_count() { return vmlift::formats().size(); }

// Names and descriptions are literals in the records: each ends with a NUL.
const char* vmlift_format_name(size_t index) {
  const vmlift::Format* format = format_at(index);
  return format == nullptr ? nullptr : format->name.data();
}

const char* vmlift_format_description(size_t index) {
  const vmlift::Format* format = format_at(index);
  return format == nullptr ? nullptr : format->description.data();
}

unsigned vmlift_format_abilities(size_t index) {
  const vmlift::Format* format = format_at(index);
  unsigned abilities = 0;
  if (format == nullptr) return abilities;
  for (const vmlift::Subformat& kind : format->subformats) {
    if (kind.read) abilities |= VMLIFT_FORMAT_READ;
    if (kind.write) abilities |= VMLIFT_FORMAT_WRITE;
    if (kind.create) abilities |= VMLIFT_FORMAT_CREATE;
  }
  return abilities;
}

vmlift_code vmlift_probe(const char* location, char** format, vmlift_error** err) {
  return guarded(err, [&]() -> vmlift::Result<void> {
    if (auto given = required(location, format); !given) return given;
    auto name = vmlift::probe(location);
    if (!name) return std::unexpected(std::move(name).error());
    *format = copied(*name);
    return {};
  });
}
