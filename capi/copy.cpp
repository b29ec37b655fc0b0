// Copies and what they tell.
#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

namespace {

Result<void> give(Result<vmlift::CopyReport> copied, vmlift_copy_report** report) {
  if (!copied) return std::unexpected(std::move(copied).error());
  if (report != nullptr) *report = new vmlift_copy_report{*std::move(copied)};
  return {};
}

}  // namespace

vmlift_code vmlift_convert(const char* source, const vmlift_open_options* source_options,
                           const char* target, const char* format,
                           const vmlift_create_options* target_options,
                           const vmlift_run_options* run, vmlift_copy_report** report,
                           vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (report != nullptr) *report = nullptr;
    if (auto given = required(source, target, format); !given) return given;
    const Run running(run);
    vmlift::ConvertRequest request;
    request.source = source;
    request.source_options = open_options_of(source_options);
    request.target = target;
    request.target_format = format;
    if (target_options != nullptr) request.target_options = target_options->options;
    request.copy = running.copy_options();
    return give(vmlift::convert(request), report);
  });
}

vmlift_code vmlift_disk_copy(const vmlift_disk* source, vmlift_disk* target,
                             const vmlift_run_options* run, vmlift_copy_report** report,
                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (report != nullptr) *report = nullptr;
    if (auto given = required(source, target); !given) return given;
    const Run running(run);
    return give(vmlift::copy_disk(*source->disk, *target->disk, running.copy_options()), report);
  });
}

void vmlift_copy_report_free(vmlift_copy_report* report) { delete report; }

uint64_t vmlift_copy_report_size(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.size;
}

uint64_t vmlift_copy_report_data_bytes(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.data_bytes;
}

uint64_t vmlift_copy_report_zero_bytes(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.zero_bytes;
}

uint64_t vmlift_copy_report_encoded_bytes(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.encoded_bytes;
}

uint64_t vmlift_copy_report_shared_bytes(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.shared_bytes;
}

double vmlift_copy_report_seconds(const vmlift_copy_report* report) {
  return report == nullptr ? 0 : report->report.seconds;
}

bool vmlift_copy_report_verified(const vmlift_copy_report* report) {
  return report != nullptr && report->report.verified;
}

const char* vmlift_copy_report_sha256(const vmlift_copy_report* report) {
  return report == nullptr ? nullptr : text_or_null(report->report.sha256);
}
