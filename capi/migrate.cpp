// Migrations: plan and run.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_migrate_options* vmlift_migrate_options_new() { return make<vmlift_migrate_options>(); }
void vmlift_migrate_options_free(vmlift_migrate_options* options) { delete options; }

vmlift_code vmlift_migrate_options_set_disks(vmlift_migrate_options* options, const char* format,
                                             const vmlift_create_options* create,
                                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, format); !given) return given;
    const auto wanted = create == nullptr ? vmlift::CreateOptions{} : create->options;
    options->options.disk_format = format;
    options->options.disk_options = wanted.options;
    options->options.compress = wanted.compress;
    options->options.overwrite = wanted.overwrite;
    return {};
  });
}

vmlift_code vmlift_migrate_options_set_disk_place(vmlift_migrate_options* options,
                                                  const char* place, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, place); !given) return given;
    options->options.disk_place = place;
    return {};
  });
}

vmlift_code vmlift_migrate_options_set_source(vmlift_migrate_options* options, const char* address,
                                              const char* location, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, address, location); !given) return given;
    options->options.sources.insert_or_assign(address, location);
    return {};
  });
}

vmlift_code vmlift_migrate_options_set_translation(vmlift_migrate_options* options,
                                                   const vmlift_translate_options* translation,
                                                   vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options, translation); !given) return given;
    options->options.profile = translation->options.profile;
    options->options.decisions = translation->options.decisions;
    options->options.networks = translation->options.networks;
    return {};
  });
}

vmlift_code vmlift_migrate_options_set_opening(vmlift_migrate_options* options,
                                               const char* configuration,
                                               const vmlift_open_options* open,
                                               vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(options); !given) return given;
    const vmlift::OpenOptions opening = open_options_of(open);
    options->options.configuration = configuration == nullptr ? "" : configuration;
    options->options.policy = opening.policy;
    options->options.limits = opening.limits;
    options->options.source_options = opening.options;
    return {};
  });
}

void vmlift_migrate_options_set_ignore_locks(vmlift_migrate_options* options, bool ignore) {
  if (options != nullptr) options->options.ignore_locks = ignore;
}

vmlift_code vmlift_migration_prepare(const char* package, const char* destination,
                                     const vmlift_migrate_options* options,
                                     const vmlift_run_options* run, vmlift_migration** migration,
                                     vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package, destination, migration); !given) return given;
    *migration = nullptr;
    const Run running(run);
    auto wanted = options == nullptr ? vmlift::MigrationOptions{} : options->options;
    wanted.destination = destination;
    wanted.threads = running.threads();
    wanted.verify = running.verify();
    auto prepared = vmlift::Migration::prepare(package, wanted);
    if (!prepared) return std::unexpected(std::move(prepared).error());
    *migration = new vmlift_migration{*std::move(prepared)};
    return {};
  });
}

void vmlift_migration_free(vmlift_migration* migration) { delete migration; }

vmlift_code vmlift_migration_plan(const vmlift_migration* migration, char** json,
                                  vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(migration, json); !given) return given;
    *json = nullptr;
    *json = copied(vmlift::to_json(migration->migration.plan()));
    return {};
  });
}

vmlift_code vmlift_migration_run(vmlift_migration* migration, const vmlift_run_options* run,
                                 char** report, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (report != nullptr) *report = nullptr;
    if (auto given = required(migration); !given) return given;
    const Run running(run);
    auto done = migration->migration.run(
        {.progress =
             [&](const vmlift::MigrationProgress& step) { running.report(step.done, step.total); },
         .stop = running.token()});
    if (!done) return std::unexpected(std::move(done).error());
    if (report != nullptr) *report = copied(vmlift::to_json(*done));
    return {};
  });
}
