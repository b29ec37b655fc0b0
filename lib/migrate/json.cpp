// The documents of a migration that scripts read.
#include <nlohmann/json.hpp>

#include "vmlift/migrate.hpp"

namespace vmlift {
namespace {

using Json = nlohmann::ordered_json;

/// Names come from definitions: what is no UTF-8 becomes U+FFFD.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json files_json(const std::vector<PlannedFile>& files) {
  Json list = Json::array();
  for (const PlannedFile& file : files) {
    list.push_back(
        {{"machine", text_or_null(file.machine)}, {"kind", file.kind}, {"path", file.path}});
  }
  return list;
}

}  // namespace

std::string to_json(const MigrationPlan& plan) {
  Json json{{"package", plan.package},
            {"kind", package_kind_name(plan.kind)},
            {"destination", plan.destination},
            {"machines", plan.machines}};
  json["disks"] = Json::array();
  for (const PlannedDisk& disk : plan.disks) {
    json["disks"].push_back(
        {{"machine", disk.machine},
         {"address", disk.address},
         {"source", text_or_null(disk.source)},
         {"source_format", text_or_null(disk.source_format)},
         {"capacity", disk.capacity},
         {"stored_size", disk.stored_size != 0 ? Json(disk.stored_size) : Json()},
         {"target", disk.target},
         {"target_format", disk.target_format}});
  }
  json["files"] = files_json(plan.files);
  json["manifest"] =
      plan.manifest_entries ? Json{{"entries", *plan.manifest_entries}} : Json(nullptr);
  json["report"] = Json::parse(vm::to_json(plan.account), nullptr, false);
  json["concerns"] = Json::parse(vm::to_json(plan.concerns), nullptr, false)["concerns"];
  return text_of(json);
}

std::string to_json(const MigrationReport& report) {
  Json json;
  json["disks"] = Json::array();
  for (const MigratedDisk& disk : report.disks) {
    const CopyReport& copy = disk.copy;
    json["disks"].push_back({{"source", text_or_null(disk.source)},
                             {"target", disk.target},
                             {"size", copy.size},
                             {"data_bytes", copy.data_bytes},
                             {"zero_bytes", copy.zero_bytes},
                             {"encoded_bytes", copy.encoded_bytes},
                             {"shared_bytes", copy.shared_bytes},
                             {"verified", copy.verified},
                             {"seconds", copy.seconds}});
  }
  json["files"] = files_json(report.files);
  json["manifest"] = nullptr;
  if (report.manifest) {
    json["manifest"] = {{"files", report.manifest->files},
                        {"bytes", report.manifest->bytes},
                        {"unlisted", report.manifest->unlisted}};
  }
  json["seconds"] = report.seconds;
  return text_of(json);
}

}  // namespace vmlift
