// Packages: definitions and their disks.
#include <vmlift/format.hpp>

#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

namespace {

Result<const vmlift::vm::Drive*> drive_named(const vmlift::Package& package,
                                             const std::string& source) {
  for (const auto& machine : package.definition().machines) {
    for (const auto& drive : machine.disks) {
      if (drive.source == source || drive.address.text() == source) return &drive;
    }
  }
  return std::unexpected(
      vmlift::Error(vmlift::ErrorCode::NotFound, "the definition has no disk '" + source + "'")
          .in(package.location()));
}

}  // namespace

vmlift_code vmlift_package_open(const char* location, const char* configuration,
                                const vmlift_open_options* options, vmlift_package** package,
                                vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(location, package); !given) return given;
    *package = nullptr;
    const vmlift::OpenOptions opening = open_options_of(options);
    auto opened =
        vmlift::Package::open(location, {.configuration = configuration ? configuration : "",
                                         .policy = opening.policy,
                                         .limits = opening.limits});
    if (!opened) return std::unexpected(std::move(opened).error());
    *package = new vmlift_package{*std::move(opened)};
    return {};
  });
}

void vmlift_package_free(vmlift_package* package) { delete package; }

const char* vmlift_package_kind(const vmlift_package* package) {
  // The names are literals: each ends with a NUL.
  return package == nullptr ? nullptr : vmlift::package_kind_name(package->package.kind()).data();
}

vmlift_code vmlift_package_inspect(const vmlift_package* package, char** json, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package, json); !given) return given;
    *json = nullptr;
    *json = copied(vmlift::vm::to_json(package->package.definition()));
    return {};
  });
}

vmlift_code vmlift_package_assess(const vmlift_package* package, char** json, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package, json); !given) return given;
    *json = nullptr;
    *json = copied(vmlift::vm::to_json(vmlift::vm::assess(package->package.definition())));
    return {};
  });
}

vmlift_code vmlift_package_open_disk(const vmlift_package* package, const char* source,
                                     vmlift_disk** disk, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package, source, disk); !given) return given;
    *disk = nullptr;
    auto drive = drive_named(package->package, source);
    if (!drive) return std::unexpected(std::move(drive).error());
    auto opened = package->package.open_disk(**drive);
    if (!opened) return std::unexpected(std::move(opened).error());
    std::string format((*opened)->format().name);
    *disk = new vmlift_disk{*std::move(opened), std::move(format)};
    return {};
  });
}

vmlift_code vmlift_package_verify(const vmlift_package* package, const vmlift_run_options* run,
                                  size_t* files, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(package); !given) return given;
    const Run running(run);
    auto verified = package->package.verify_manifest(
        {.progress = [&](std::uint64_t done, std::uint64_t total) { running.report(done, total); },
         .stop = running.token()});
    if (!verified) return std::unexpected(std::move(verified).error());
    if (files != nullptr) *files = verified->files;
    return {};
  });
}
