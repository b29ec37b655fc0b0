// What an image says about itself, and whether it is sound.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

vmlift_code vmlift_disk_info(const vmlift_disk* disk, vmlift_info** info, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, info); !given) return given;
    *info = nullptr;
    auto told = disk->disk->info();
    if (!told) return std::unexpected(std::move(told).error());
    *info = new vmlift_info{*std::move(told)};
    return {};
  });
}

void vmlift_info_free(vmlift_info* info) { delete info; }

const char* vmlift_info_format(const vmlift_info* info) {
  return info == nullptr ? nullptr : info->info.format.c_str();
}

const char* vmlift_info_subformat(const vmlift_info* info) {
  return info == nullptr ? nullptr : info->info.subformat.c_str();
}

uint64_t vmlift_info_virtual_size(const vmlift_info* info) {
  return info == nullptr ? 0 : info->info.virtual_size;
}

bool vmlift_info_stored_size(const vmlift_info* info, uint64_t* size) {
  if (info == nullptr || !info->info.stored_size) return false;
  if (size != nullptr) *size = *info->info.stored_size;
  return true;
}

uint64_t vmlift_info_unit_size(const vmlift_info* info) {
  return info == nullptr ? 0 : info->info.unit_size;
}

unsigned vmlift_info_flags(const vmlift_info* info) {
  if (info == nullptr) return 0;
  return flag(info->info.compressed, VMLIFT_INFO_COMPRESSED) |
         flag(info->info.encrypted, VMLIFT_INFO_ENCRYPTED) |
         flag(info->info.dirty, VMLIFT_INFO_DIRTY) | flag(info->info.corrupt, VMLIFT_INFO_CORRUPT);
}

const char* vmlift_info_backing_file(const vmlift_info* info) {
  return info == nullptr ? nullptr : text_or_null(info->info.backing_file);
}

const char* vmlift_info_backing_format(const vmlift_info* info) {
  return info == nullptr ? nullptr : text_or_null(info->info.backing_format);
}

size_t vmlift_info_detail_count(const vmlift_info* info) {
  return info == nullptr ? 0 : info->info.details.size();
}

const char* vmlift_info_detail_name(const vmlift_info* info, size_t index) {
  return index < vmlift_info_detail_count(info) ? info->info.details[index].first.c_str() : nullptr;
}

const char* vmlift_info_detail_value(const vmlift_info* info, size_t index) {
  return index < vmlift_info_detail_count(info) ? info->info.details[index].second.c_str()
                                                : nullptr;
}

size_t vmlift_info_file_count(const vmlift_info* info) {
  return info == nullptr ? 0 : info->info.files.size();
}

const char* vmlift_info_file(const vmlift_info* info, size_t index) {
  return info == nullptr ? nullptr : text_at(info->info.files, index);
}

size_t vmlift_info_warning_count(const vmlift_info* info) {
  return info == nullptr ? 0 : info->info.warnings.size();
}

const char* vmlift_info_warning(const vmlift_info* info, size_t index) {
  return info == nullptr ? nullptr : text_at(info->info.warnings, index);
}

vmlift_code vmlift_disk_check(const vmlift_disk* disk, vmlift_check** check, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk, check); !given) return given;
    *check = nullptr;
    auto report = disk->disk->check();
    if (!report) return std::unexpected(std::move(report).error());
    *check = new vmlift_check{*std::move(report)};
    return {};
  });
}

void vmlift_check_free(vmlift_check* check) { delete check; }

bool vmlift_check_clean(const vmlift_check* check) {
  return check != nullptr && check->report.leaked_units == 0 && check->report.corrupt_units == 0 &&
         check->report.findings.empty();
}

uint64_t vmlift_check_leaked(const vmlift_check* check) {
  return check == nullptr ? 0 : check->report.leaked_units;
}

uint64_t vmlift_check_corrupt(const vmlift_check* check) {
  return check == nullptr ? 0 : check->report.corrupt_units;
}

size_t vmlift_check_finding_count(const vmlift_check* check) {
  return check == nullptr ? 0 : check->report.findings.size();
}

const char* vmlift_check_finding(const vmlift_check* check, size_t index) {
  return check == nullptr ? nullptr : text_at(check->report.findings, index);
}
