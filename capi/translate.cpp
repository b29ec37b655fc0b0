// Definitions in other dialects.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_translate_options* vmlift_translate_options_new() {
  return make<vmlift_translate_options>();
}
void vmlift_translate_options_free(vmlift_translate_options* options) { delete options; }

vmlift_code vmlift_translate_options_set_profile(vmlift_translate_options* options,
                                                 const char* profile, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, profile); !given) return given;
    options->options.profile = profile;
    return {};
  });
}

vmlift_code vmlift_translate_options_set_decision(vmlift_translate_options* options,
                                                  const char* name, const char* value,
                                                  vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, name, value); !given) return given;
    options->options.decisions[name] = value;
    return {};
  });
}

vmlift_code vmlift_translate_options_set_network_map(vmlift_translate_options* options,
                                                     const char* yaml, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, yaml); !given) return given;
    auto networks = vmlift::vm::parse_network_map(yaml);
    if (!networks) return std::unexpected(std::move(networks).error());
    options->options.networks = *std::move(networks);
    return {};
  });
}

vmlift_code vmlift_translate_options_set_disks(vmlift_translate_options* options,
                                               const char* directory, const char* format,
                                               vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, directory, format); !given) return given;
    options->options.disk_directory = directory;
    options->options.disk_format = format;
    return {};
  });
}

vmlift_code vmlift_translate_options_set_hypervisor(vmlift_translate_options* options,
                                                    const char* hypervisor, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, hypervisor); !given) return given;
    options->options.hypervisor = hypervisor;
    return {};
  });
}

vmlift_code vmlift_translate_options_set_capabilities(vmlift_translate_options* options,
                                                      const char* xml, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, xml); !given) return given;
    options->options.capabilities = xml;
    return {};
  });
}

vmlift_code vmlift_package_translate(const vmlift_package* package, const char* dialect,
                                     const vmlift_translate_options* options,
                                     vmlift_translation** translation, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package, dialect, translation); !given) return given;
    *translation = nullptr;
    auto wanted = options == nullptr ? vmlift::vm::TranslateOptions{} : options->options;
    wanted.dialect = dialect;
    auto made = vmlift::vm::translate(package->package.definition(), wanted);
    if (!made) return std::unexpected(std::move(made).error());
    std::string report = vmlift::vm::to_json(made->report);
    *translation = new vmlift_translation{*std::move(made), std::move(report)};
    return {};
  });
}

void vmlift_translation_free(vmlift_translation* translation) { delete translation; }

size_t vmlift_translation_count(const vmlift_translation* translation) {
  return translation == nullptr ? 0 : translation->translation.documents.size();
}

namespace {
const vmlift::vm::Document* document_at(const vmlift_translation* translation, size_t index) {
  return index < vmlift_translation_count(translation) ? &translation->translation.documents[index]
                                                       : nullptr;
}
}  // namespace

const char* vmlift_translation_machine(const vmlift_translation* translation, size_t index) {
  const auto* document = document_at(translation, index);
  return document == nullptr ? nullptr : document->machine.c_str();
}

const char* vmlift_translation_file_name(const vmlift_translation* translation, size_t index) {
  const auto* document = document_at(translation, index);
  return document == nullptr ? nullptr : document->file_name.c_str();
}

const char* vmlift_translation_text(const vmlift_translation* translation, size_t index) {
  const auto* document = document_at(translation, index);
  return document == nullptr ? nullptr : document->text.c_str();
}

const char* vmlift_translation_report(const vmlift_translation* translation) {
  return translation == nullptr ? nullptr : translation->report.c_str();
}
