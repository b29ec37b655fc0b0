// How sources are opened and targets are made.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_open_options* vmlift_open_options_new() { return make<vmlift_open_options>(); }
void vmlift_open_options_free(vmlift_open_options* options) { delete options; }

vmlift_code vmlift_open_options_set_format(vmlift_open_options* options, const char* format,
                                           vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options); !given) return given;
    options->options.format = format == nullptr ? "" : format;
    return {};
  });
}

vmlift_code vmlift_open_options_set_references(vmlift_open_options* options, const char* policy,
                                               vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, policy); !given) return given;
    auto parsed = vmlift::OpenPolicy::parse(policy);
    if (!parsed) return std::unexpected(std::move(parsed).error());
    options->options.policy.references = parsed->references;
    options->options.policy.directory = std::move(parsed->directory);
    return {};
  });
}

vmlift_code vmlift_open_options_set_limit(vmlift_open_options* options, const char* name,
                                          uint64_t value, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, name); !given) return given;
    return options->options.limits.set(name, value);
  });
}

vmlift_code vmlift_open_options_set_option(vmlift_open_options* options, const char* name,
                                           const char* value, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, name, value); !given) return given;
    options->options.options[name] = value;
    return {};
  });
}

vmlift_code vmlift_open_options_set_snapshot(vmlift_open_options* options, const char* snapshot,
                                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options); !given) return given;
    options->options.snapshot = snapshot == nullptr ? "" : snapshot;
    return {};
  });
}

void vmlift_open_options_set_writable(vmlift_open_options* options, bool writable) {
  if (options != nullptr) options->options.writable = writable;
}

void vmlift_open_options_set_allow_corrupt(vmlift_open_options* options, bool allow) {
  if (options != nullptr) options->options.allow_corrupt = allow;
}

void vmlift_open_options_set_allow_in_use(vmlift_open_options* options, bool allow) {
  if (options != nullptr) options->options.policy.allow_in_use = allow;
}

vmlift_create_options* vmlift_create_options_new() { return make<vmlift_create_options>(); }
void vmlift_create_options_free(vmlift_create_options* options) { delete options; }

vmlift_code vmlift_create_options_set_option(vmlift_create_options* options, const char* name,
                                             const char* value, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, name, value); !given) return given;
    options->options.options[name] = value;
    return {};
  });
}

vmlift_code vmlift_create_options_set_limit(vmlift_create_options* options, const char* name,
                                            uint64_t value, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, name); !given) return given;
    return options->options.limits.set(name, value);
  });
}

void vmlift_create_options_set_compress(vmlift_create_options* options, bool compress) {
  if (options != nullptr) options->options.compress = compress;
}

void vmlift_create_options_set_overwrite(vmlift_create_options* options, bool overwrite) {
  if (options != nullptr) options->options.overwrite = overwrite;
}
